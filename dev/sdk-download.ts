import { createRequire } from 'node:module';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { OnProgress } from './attempts.js';
import { reportElapsed } from './attempts.js';
import { exists, installOnce } from './cache.js';

/** Which server: the SDK downloads the Temporal CLI for `local`, the Java test server for `timeSkipping`. */
export type SdkServer = 'local' | 'timeSkipping';

const FOLDERS: Record<SdkServer, string> = {
  local: 'temporal-cli-sdk-download',
  timeSkipping: 'temporal-test-server-sdk-download',
};

/**
 * The SDK offers no download alone: it downloads on its way to starting a server. That happens in a
 * process of its own, because using the native SDK settles this process's `Runtime` options for good.
 */
const SCRIPT = `
const { TestWorkflowEnvironment } = require(process.argv[1]);
const server = { executable: { type: 'cached-download', downloadDir: process.argv[3] } };
const create = process.argv[2] === 'local' ? 'createLocal' : 'createTimeSkipping';
TestWorkflowEnvironment[create]({ server }).then((env) => env.teardown(), (error) => {
  console.error(error.message);
  process.exit(1);
});
`;

/** Path of a server that an earlier `downloadWithSdk` put into the cache. */
export async function cachedSdkDownload(cache: string, server: SdkServer): Promise<string | undefined> {
  const folder = join(cache, FOLDERS[server]);
  if (!(await exists(folder))) return undefined;
  const [program] = await programsIn(folder);
  return program === undefined ? undefined : join(folder, program);
}

async function programsIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => !name.endsWith('.downloading'));
}

/** Has the Temporal SDK download its default version of a server into the cache; resolves to its path. */
export async function downloadWithSdk(
  cache: string,
  server: SdkServer,
  env: NodeJS.ProcessEnv,
  onProgress: OnProgress,
): Promise<string> {
  await installOnce(
    join(cache, FOLDERS[server]),
    async (staging) => {
      const sdk = createRequire(import.meta.url).resolve('@temporalio/testing');
      await reportElapsed('downloading with the Temporal SDK', onProgress, async () => {
        const result = await execa(process.execPath, ['-e', SCRIPT, sdk, server, staging], {
          env,
          extendEnv: false,
          stdin: 'ignore',
          timeout: 180_000,
          reject: false,
        });
        // Starting may fail on a slow machine; all that matters is that the program is there.
        if ((await programsIn(staging)).length > 0) return;
        throw new Error(result.timedOut ? 'no answer within 180 s' : lastLine(result.stderr));
      });
    },
    onProgress,
  );
  const program = await cachedSdkDownload(cache, server);
  if (program === undefined) throw new Error('the download left nothing behind');
  return program;
}

/** The last line, without the parts that the SDK says twice. */
function lastLine(text: string): string {
  const parts = text.trim().split('\n').at(-1)?.split(': ') ?? [];
  return [...new Set(parts)].join(': ') || 'failed without a message';
}
