import { access, chmod, constants, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
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

/** What the launcher passes to Java beside the jars. They shorten the start of a server that lives for one test file. */
const JVM_OPTIONS = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:SharedArchiveFile=classes.jsa'];

/** Runs the jars beside it, under the names that the archive of their classes knows them by. */
const LAUNCHER_SCRIPT = `#!/bin/sh
cd "$(dirname "$0")" || exit
exec "\${JAVA_HOME:+$JAVA_HOME/bin/}java" ${JVM_OPTIONS.join(' ')} -cp '*' io.temporal.testserver.TestServer "$@"
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
  return join(cache, `${lock.artifact.replaceAll(':', '-')}-with-classes`);
}

/** @returns its path, found in the same two places where the launcher looks. */
async function requireJava(env: NodeJS.ProcessEnv): Promise<string> {
  const java = env['JAVA_HOME']
    ? join(env['JAVA_HOME'], 'bin', 'java')
    : await which('java', { path: env['PATH'] ?? '', nothrow: true });
  if (java === null) throw new Error('it needs Java, but there is no java on PATH and JAVA_HOME is not set');
  const result = await execa(java, ['-version'], { stdin: 'ignore', timeout: 30_000, reject: false });
  if (result.failed) throw new Error(`it needs Java, but ${java} does not run: ${result.shortMessage}`);
  return java;
}

async function installFromMaven(
  cache: string,
  env: NodeJS.ProcessEnv,
  onProgress: OnProgress,
): Promise<string> {
  const java = await requireJava(env);
  const install = async (staging: string) => {
    const { length } = lock.jars;
    await reportElapsed(`downloading the test server (${length} jars, 38 MB)`, onProgress, (detail) =>
      downloadJars(lock.jars, staging, (count) => detail(`${count} of ${length}`)),
    );
    await writeFile(join(staging, LAUNCHER), LAUNCHER_SCRIPT);
    await chmod(join(staging, LAUNCHER), 0o755);
    await archiveClasses(java, staging);
  };
  return join(await installOnce(mavenFolder(cache), install, onProgress), LAUNCHER);
}

/**
 * Writes the classes that a short use of the server loads into an archive, which Java maps instead of loading and
 * verifying them: a third less work for a server that lives for one test file. Java does without an archive that it
 * cannot use, so none is no failure.
 */
async function archiveClasses(java: string, folder: string): Promise<void> {
  const list = 'classes.lst';
  const sdk = createRequire(import.meta.url).resolve('@temporalio/testing');
  const options = { cwd: folder, stdin: 'ignore', timeout: 60_000, reject: false } as const;
  await execa(process.execPath, ['-e', SHORT_USE, sdk, join(folder, LAUNCHER)], {
    ...options,
    env: { JDK_JAVA_OPTIONS: `-XX:DumpLoadedClassList=${list}` },
  });
  const dump = ['-Xshare:dump', `-XX:SharedClassListFile=${list}`, ...JVM_OPTIONS, '-cp', '*'];
  await execa(java, dump, options);
}

/** What the tests ask of the server, short of what needs a worker. */
const SHORT_USE = `
const { TestWorkflowEnvironment } = require(process.argv[1]);
const server = { executable: { type: 'existing-path', path: process.argv[2] } };
TestWorkflowEnvironment.createTimeSkipping({ server }).then(async (env) => {
  await env.sleep('1 day');
  const workflow = await env.client.workflow.start('w', { taskQueue: 'w', workflowId: 'w', args: [1], memo: { m: 1 } });
  await workflow.signal('s', 1);
  await workflow.describe();
  await workflow.fetchHistory();
  await workflow.terminate();
  await env.teardown();
});
`;
