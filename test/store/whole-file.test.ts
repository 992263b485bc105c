import type * as fs from 'node:fs/promises';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { removeFile, rewriteWhole, writeWhole } from '../../store/whole-file.js';

/** While a property runs, every call to the file system waits for its turn in the order that fast-check chose. */
const turns = vi.hoisted(() => ({ take: undefined as undefined | ((name: string) => Promise<unknown>) }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof fs>();
  const ordered = Object.fromEntries(
    (['access', 'mkdir', 'open', 'readdir', 'rename', 'rm', 'rmdir', 'stat'] as const).map((name) => [
      name,
      async (...args: unknown[]) => {
        await turns.take?.(name);
        return (real[name] as (...args: unknown[]) => Promise<unknown>)(...args);
      },
    ]),
  );
  return { ...real, ...ordered };
});

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-whole-'));
  path = join(folder, 'batch', 'outcomes.sealed');
});
afterEach(async () => {
  turns.take = undefined;
  await rm(folder, { recursive: true });
});

const bytes = (text: string) => Buffer.from(text);
const read = () => readFile(path, 'utf8').catch(() => undefined);
/** As a re-sealing does: the same content in another form, here with a mark. */
const mark = () => rewriteWhole(path, (old) => Promise.resolve(Buffer.concat([old, bytes('*')])));

describe('rewriteWhole', () => {
  beforeEach(() => writeWhole(path, bytes('old')));

  it('exchanges the bytes, keeps the mode and makes the file look no newer than it was', async () => {
    await utimes(path, new Date('2026-01-01T00:00:00.500Z'), new Date('2026-01-01T00:00:00.500Z'));
    expect(await mark()).toBe(true);
    expect(await read()).toBe('old*');
    const { mode, mtime } = await stat(path);
    expect(mtime.toISOString()).toBe('2026-01-01T00:00:00.499Z');
    if (process.platform !== 'win32') expect(mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'batch'))).toEqual(['outcomes.sealed']);
  });

  it('leaves what was written meanwhile', async () => {
    const rewritten = await rewriteWhole(path, async () => {
      await writeWhole(path, bytes('new'));
      return bytes('old*');
    });
    expect(rewritten).toBe(false);
    expect(await read()).toBe('new');
  });

  it('does not bring back what was removed meanwhile, nor its folder', async () => {
    const rewritten = await rewriteWhole(path, async () => {
      await removeFile(path);
      return bytes('old*');
    });
    expect(rewritten).toBe(false);
    expect(await readdir(folder)).toEqual([]);
  });

  it('does nothing where there is no file, and makes no folder', async () => {
    await removeFile(path);
    expect(await mark()).toBe(false);
    expect(await readdir(folder)).toEqual([]);
    await mkdir(join(folder, 'batch'));
    expect(await mark()).toBe(false);
    expect(await readdir(folder)).toEqual([]);
  });

  it('leaves the file as it is, and nothing beside it, when the new bytes cannot be made', async () => {
    const failing = rewriteWhole(path, () => Promise.reject(new Error('no such key')));
    await expect(failing).rejects.toThrow('no such key');
    expect(await read()).toBe('old');
    expect(await readdir(join(folder, 'batch'))).toEqual(['outcomes.sealed']);
  });
});

describe('whatever the order of their calls to the file system', () => {
  /** Runs all at once in many orders, and checks what is left after each. */
  async function inEveryOrder(tasks: (() => Promise<unknown>)[], check: () => Promise<void>): Promise<void> {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        turns.take = undefined;
        await rm(join(folder, 'batch'), { recursive: true, force: true });
        await writeWhole(path, bytes('old'));
        turns.take = (name) => scheduler.schedule(Promise.resolve(), name);
        await scheduler.waitFor(Promise.all(tasks.map((task) => task())));
        turns.take = undefined;
        await check();
        const left = await readdir(join(folder, 'batch')).catch(() => []);
        expect(left.filter((name) => name.endsWith('.tmp'))).toEqual([]);
      }),
      { numRuns: 100 },
    );
  }
  const write = () => writeWhole(path, bytes('new'));
  const remove = () => removeFile(path);

  it('a rewrite never undoes a write', async () => {
    await inEveryOrder([mark, write], async () => expect(['new', 'new*']).toContain(await read()));
  });

  it('two rewrites never undo a write', async () => {
    await inEveryOrder([mark, mark, write], async () => expect(await read()).toMatch(/^new\**$/));
  });

  it('a rewrite never brings back what is removed, and no folder stays', async () => {
    await inEveryOrder([mark, remove], async () => expect(await readdir(folder)).toEqual([]));
  });

  it('two rewrites never bring back what is removed, and no folder stays', async () => {
    await inEveryOrder([mark, mark, remove], async () => expect(await readdir(folder)).toEqual([]));
  });

  it('of a rewrite, a write and a removal, nothing old is left', async () => {
    await inEveryOrder([mark, write, remove], async () =>
      expect([undefined, 'new', 'new*']).toContain(await read()),
    );
  });

  it('two rewrites lose nothing', async () => {
    await inEveryOrder([mark, mark], async () => expect(await read()).toMatch(/^old\*+$/));
  });
});
