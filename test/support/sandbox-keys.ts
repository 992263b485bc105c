import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareSandboxKeys } from '../../dev/sandbox.js';
import { generateSandboxKeys } from '../../simulator/index.js';

/** A sandbox's keys in a folder. To make them takes longer than most tests: all files of a run have the same ones. */
export async function sandboxKeysIn(folder: string): ReturnType<typeof prepareSandboxKeys> {
  const shared = join(tmpdir(), 'sandbox-keys');
  await generateSandboxKeys(shared);
  await cp(shared, join(folder, 'keys'), { recursive: true });
  return prepareSandboxKeys(folder);
}
