import { access, chmod, constants, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import which from 'which';
import type { FoundProgram, OnProgress } from './attempts.js';
import { firstThatWorks, reportElapsed } from './attempts.js';
import { cacheFolder, exists, installOnce } from './cache.js';
import { downloadJars } from './maven-jars.js';
import { cachedSdkDownload, downloadWithSdk } from './sdk-download.js';
import type { FindOptions } from './temporal-cli.js';
import lock from './test-server.lock.json' with { type: 'json' };

const LAUNCHER = 'temporal-test-server';

/** Runs the jars beside it. The two JVM options shorten the start of a server that lives for one test file. */
const LAUNCHER_SCRIPT = `#!/bin/sh
exec "\${JAVA_HOME:+$JAVA_HOME/bin/}java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \\
  -cp "$(dirname "$0")/*" io.temporal.testserver.TestServer "$@"
`;

const ADVICE =
  'Install Java, so that c2p can run the server from its Maven artifact, or name an executable in ' +
  'TEMPORAL_TEST_SERVER_PATH.';

/**
 * Temporal's time-skipping test server, in which days pass in seconds: `TEMPORAL_TEST_SERVER_PATH`,
 * c2p's cache, the SDK's download, and last its Maven artifact, which needs Java but no Maven.
 *
 * @throws ProgramNotFoundError
 */
export async function findOrInstallTestServer(options: FindOptions = {}): Promise<FoundProgram> {
  const { onProgress = () => undefined, env = process.env } = options;
  const cache = cacheFolder(env);
  return firstThatWorks(
    'Temporal test server',
    [
      { source: 'TEMPORAL_TEST_SERVER_PATH', find: () => fromVariable(env) },
      { source: 'cache', find: () => fromCache(cache, env) },
      { source: "SDK's download", find: () => downloadWithSdk(cache, 'timeSkipping', env, onProgress) },
      { source: `Maven ${lock.artifact}`, find: () => installFromMaven(cache, env, onProgress) },
    ],
    ADVICE,
    onProgress,
  );
}

async function fromVariable(env: NodeJS.ProcessEnv): Promise<string> {
  const path = env['TEMPORAL_TEST_SERVER_PATH'];
  if (!path) throw new Error('not set');
  await access(path, constants.X_OK).catch(() => {
    throw new Error(`${path} is not an executable file`);
  });
  return resolve(path);
}

async function fromCache(cache: string, env: NodeJS.ProcessEnv): Promise<string> {
  const downloaded = await cachedSdkDownload(cache, 'timeSkipping');
  if (downloaded !== undefined) return downloaded;
  const launcher = join(mavenFolder(cache), LAUNCHER);
  if (!(await exists(launcher))) throw new Error(`nothing in ${cache} yet`);
  await requireJava(env);
  return launcher;
}

function mavenFolder(cache: string): string {
  return join(cache, lock.artifact.replaceAll(':', '-'));
}

/** In the same two places where the launcher looks. */
async function requireJava(env: NodeJS.ProcessEnv): Promise<void> {
  const java = env['JAVA_HOME']
    ? join(env['JAVA_HOME'], 'bin', 'java')
    : await which('java', { path: env['PATH'] ?? '', nothrow: true });
  if (java === null) throw new Error('it needs Java, but there is no java on PATH and JAVA_HOME is not set');
  const result = await execa(java, ['-version'], { stdin: 'ignore', timeout: 30_000, reject: false });
  if (result.failed) throw new Error(`it needs Java, but ${java} does not run: ${result.shortMessage}`);
}

async function installFromMaven(
  cache: string,
  env: NodeJS.ProcessEnv,
  onProgress: OnProgress,
): Promise<string> {
  await requireJava(env);
  const install = async (staging: string) => {
    const { length } = lock.jars;
    await reportElapsed(`downloading the test server (${length} jars, 38 MB)`, onProgress, (detail) =>
      downloadJars(lock.jars, staging, (count) => detail(`${count} of ${length}`)),
    );
    await writeFile(join(staging, LAUNCHER), LAUNCHER_SCRIPT);
    await chmod(join(staging, LAUNCHER), 0o755);
  };
  return join(await installOnce(mavenFolder(cache), install, onProgress), LAUNCHER);
}
