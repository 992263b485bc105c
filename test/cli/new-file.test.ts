import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeNewFile } from '../../cli/new-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-new-file-'));
});
afterEach(() => rm(folder, { recursive: true }));

const text = (content: string) => (out: Writable) => {
  out.write(content);
  return Promise.resolve();
};

test('a new file is whole, and only its owner may read it', async () => {
  const path = join(folder, 'rerun.jsonl');
  await writeNewFile(path, text('one\n'));
  expect(await readFile(path, 'utf8')).toBe('one\n');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['rerun.jsonl']);
});

test('a file that is there stays as it is, also one that comes while the new one is written', async () => {
  const path = join(folder, 'rerun.jsonl');
  const late = writeNewFile(path, () => writeFile(path, 'mine'));
  await expect(late).rejects.toThrow(`${path} is there already`);
  await expect(writeNewFile(path, text('other'))).rejects.toThrow(`${path} is there already`);
  expect(await readFile(path, 'utf8')).toBe('mine');
  expect(await readdir(folder)).toEqual(['rerun.jsonl']);
});

test('a file that cannot be written to its end is not there', async () => {
  const path = join(folder, 'rerun.jsonl');
  const attempt = writeNewFile(path, (out) => {
    out.write('half');
    return Promise.reject(new Error('the source is gone'));
  });
  await expect(attempt).rejects.toThrow('the source is gone');
  expect(await readdir(folder)).toEqual([]);
});

test('a folder that is not there is named in the error', async () => {
  const path = join(folder, 'nowhere', 'rerun.jsonl');
  await expect(writeNewFile(path, text(''))).rejects.toThrow(`${path} cannot be written (ENOENT).`);
});

test('a file that is being written has no name yet', async () => {
  await writeNewFile(join(folder, 'rerun.jsonl'), async (out) => {
    out.write('one\n');
    expect(await readdir(folder)).toEqual([]);
  });
});

test('what a process left that was killed in its last moment says what it is, and goes with the next run', async () => {
  const path = join(folder, 'rerun.jsonl');
  const left = 'rerun.jsonl.incomplete-0123456789abcdef.tmp';
  for (const name of [left, 'other.jsonl.incomplete-0123456789abcdef.tmp', 'rerun.jsonl.mine'])
    await writeFile(join(folder, name), 'cards');
  await writeNewFile(path, async (out) => {
    out.write('one\n');
    expect(await readdir(folder)).not.toContain(left);
  });
  expect((await readdir(folder)).sort()).toEqual([
    'other.jsonl.incomplete-0123456789abcdef.tmp',
    'rerun.jsonl',
    'rerun.jsonl.mine',
  ]);
});
