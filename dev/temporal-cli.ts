import { join, resolve } from 'node:path';
import { execa } from 'execa';
import which from 'which';
import type { FoundProgram, OnProgress } from './attempts.js';
import { firstThatWorks, reportElapsed } from './attempts.js';
import { cacheFolder, exists, installOnce } from './cache.js';
import { cachedSdkDownload, downloadWithSdk } from './sdk-download.js';

/** The newest version that `go install` can build: later ones have `replace` directives. */
const VERSION = '1.5.1';
const MODULE = `github.com/temporalio/cli/cmd/temporal@v${VERSION}`;

const EXECUTABLE = process.platform === 'win32' ? 'temporal.exe' : 'temporal';

const ADVICE =
  'Install the Temporal CLI (https://docs.temporal.io/cli) and put it on PATH or name it in TEMPORAL_CLI_PATH, ' +
  'or set TEMPORAL_ADDRESS to a running Temporal server.';

export interface FindOptions {
  onProgress?: OnProgress | undefined;
  /** Environment to look in (`PATH`, `TEMPORAL_CLI_PATH`, `C2P_CACHE_DIR`, Go's own variables); default: this process's. */
  env?: NodeJS.ProcessEnv | undefined;
}

/**
 * The Temporal CLI, whose `server start-dev` is the embedded Temporal: `TEMPORAL_CLI_PATH`, `temporal`
 * on PATH, c2p's cache, the SDK's download, and last `go install`, which works where only package
 * registries can be reached (about three minutes, once).
 *
 * @throws ProgramNotFoundError
 */
export async function findOrInstallTemporalCli(options: FindOptions = {}): Promise<FoundProgram> {
  const { onProgress = () => undefined, env = process.env } = options;
  const cache = cacheFolder(env);
  return firstThatWorks(
    'Temporal CLI',
    [
      { source: 'TEMPORAL_CLI_PATH', find: () => fromVariable(env) },
      { source: 'PATH', find: () => fromPath(env) },
      { source: 'cache', find: () => fromCache(cache) },
      {
        source: "SDK's download",
        find: async () => runnable(await downloadWithSdk(cache, 'local', env, onProgress)),
      },
      { source: `go install ${MODULE}`, find: () => installWithGo(cache, env, onProgress) },
    ],
    ADVICE,
    onProgress,
  );
}

async function fromVariable(env: NodeJS.ProcessEnv): Promise<string> {
  const path = env['TEMPORAL_CLI_PATH'];
  if (!path) throw new Error('not set');
  return runnable(resolve(path));
}

async function fromPath(env: NodeJS.ProcessEnv): Promise<string> {
  const path = await which('temporal', { path: env['PATH'] ?? '', nothrow: true });
  if (path === null) throw new Error('no temporal there');
  return runnable(path);
}

async function fromCache(cache: string): Promise<string> {
  const built = join(goFolder(cache), EXECUTABLE);
  if (await exists(built)) return runnable(built);
  const downloaded = await cachedSdkDownload(cache, 'local');
  if (downloaded !== undefined) return runnable(downloaded);
  throw new Error(`nothing in ${cache} yet`);
}

function goFolder(cache: string): string {
  return join(cache, `temporal-cli-${VERSION}`);
}

/** Builds the Temporal CLI with the machine's Go into the cache, unless it is there; resolves to its path. */
export async function installWithGo(
  cache: string,
  env: NodeJS.ProcessEnv,
  onProgress: OnProgress,
): Promise<string> {
  const go = await which('go', { path: env['PATH'] ?? '', nothrow: true });
  if (go === null) throw new Error('Go is not on PATH');
  const folder = goFolder(cache);
  await installOnce(folder, (staging) => goInstall(go, staging, env, onProgress), onProgress);
  return runnable(join(folder, EXECUTABLE));
}

async function goInstall(
  go: string,
  target: string,
  env: NodeJS.ProcessEnv,
  onProgress: OnProgress,
): Promise<void> {
  const what = `building the Temporal CLI ${VERSION} with Go (about three minutes the first time)`;
  await reportElapsed(what, onProgress, async (detail) => {
    // `-v` names each module and package as it is fetched or compiled.
    const building = execa(go, ['install', '-v', MODULE], {
      env: { ...env, GOBIN: target },
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
    });
    let count = 0;
    const said: string[] = [];
    for await (const line of building.iterable({ from: 'stderr' })) {
      said.push(line);
      if (said.length > 5) said.shift();
      detail(`${(count += 1)} steps, now ${line}`);
    }
    const { failed, exitCode } = await building;
    if (failed) throw new Error(`exit code ${exitCode ?? 'none'}: ${said.join(' | ') || 'no message'}`);
  });
}

/** Checks that the program starts on this machine. */
async function runnable(path: string): Promise<string> {
  const result = await execa(path, ['--version'], { stdin: 'ignore', timeout: 30_000, reject: false });
  if (result.failed) throw new Error(`${path} does not run: ${result.shortMessage}`);
  return path;
}
