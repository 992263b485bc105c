import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('a process that is killed amid a file leaves nothing of it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'c2p-killed-'));
  const path = join(folder, 'rerun.jsonl');
  const writer = fork(fileURLToPath(new URL('killed-writer.js', import.meta.url)), [path]);
  await once(writer, 'message');
  writer.kill('SIGKILL');
  await once(writer, 'exit');
  expect(await readdir(folder)).toEqual([]);
  await rm(folder, { recursive: true });
});
