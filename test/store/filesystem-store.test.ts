import { mkdtemp, open, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KeyRing } from '../../protection/key-ring.js';
import { SealedBlobError } from '../../protection/seal.js';
import { FilesystemStore } from '../../store/filesystem-store.js';
import { StoreUnavailableError } from '../../store/store.js';
import { describeStore } from './store-contract.js';

const BATCH = { program: 'demo', externalBatchId: 'B.1' };
const PAN = '5186001700009726';
const keyRing = KeyRing.parse(KeyRing.generate(), 'test');
const folders: string[] = [];

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'c2p-store-'));
  folders.push(folder);
  return folder;
}
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

describeStore('FilesystemStore', async () => new FilesystemStore({ root: await temporaryFolder(), keyRing }));

describe('FilesystemStore', () => {
  let root: string;
  let store: FilesystemStore;
  const file = (ref: string) => join(root, 'demo', '%42%2e1', `${ref}.sealed`);

  beforeEach(async () => {
    root = join(await temporaryFolder(), 'data');
    store = new FilesystemStore({ root, keyRing });
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('writes only sealed bytes, to files and folders of the owner alone', async () => {
    await store.put(BATCH, 'records', Buffer.from(PAN));
    const sealed = await readFile(file('records'));
    expect(sealed.includes(PAN)).toBe(false);
    if (process.platform === 'win32') return;
    expect((await stat(file('records'))).mode & 0o777).toBe(0o600);
    for (const folder of [root, join(root, 'demo'), join(root, 'demo', '%42%2e1')])
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it('refuses a blob that was altered, cut short, renamed or moved to another batch', async () => {
    await store.put(BATCH, 'records', Buffer.from(PAN));
    const sealed = await readFile(file('records'));

    await writeFile(file('records'), sealed.subarray(0, -1));
    await expect(store.get(BATCH, 'records')).rejects.toMatchObject({ reason: 'truncated' });

    await rename(file('records'), file('cards'));
    await writeFile(file('cards'), sealed);
    await expect(store.get(BATCH, 'cards')).rejects.toThrow(SealedBlobError);

    const other = { program: 'demo', externalBatchId: 'other' };
    await store.put(other, 'records', Buffer.from('x'));
    await writeFile(join(root, 'demo', 'other', 'records.sealed'), sealed);
    await expect(store.get(other, 'records')).rejects.toMatchObject({
      reason: 'altered',
      message: expect.stringContaining('["demo","other","records"]') as string,
    });
  });

  it('leaves no folder and nothing of interrupted writes behind when the last blob is erased', async () => {
    await store.put(BATCH, 'records', Buffer.from('a'));
    await store.put(BATCH, 'outcomes', Buffer.from('b'));
    await writeFile(`${file('validated-1')}.0011223344556677.tmp`, 'half');
    await store.delete(BATCH, 'records');
    expect(await readdir(join(root, 'demo', '%42%2e1'))).toEqual(['outcomes.sealed']);
    await store.delete(BATCH, 'outcomes');
    expect(await readdir(join(root, 'demo'))).toEqual([]);
  });

  it('keeps the blob that was there when the disk is full, and says so', async () => {
    await store.put(BATCH, 'outcomes', Buffer.from('first'));
    const handle = await open(file('outcomes'));
    await handle.close();
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    vi.spyOn(Object.getPrototypeOf(handle) as typeof handle, 'writeFile').mockRejectedValueOnce(full);

    const error: unknown = await store.put(BATCH, 'outcomes', Buffer.from('second')).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect(error).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      cause: full,
      message: `cannot write ${file('outcomes')}: the disk is full; free some space (ENOSPC)`,
    });
    expect(Buffer.from(await store.get(BATCH, 'outcomes')).toString()).toBe('first');
    expect(await readdir(join(root, 'demo', '%42%2e1'))).toEqual(['outcomes.sealed']);
  });

  it('says where and what when the folder cannot be used', async () => {
    await writeFile(root, 'a file in the place of the folder');
    const nowhere = expect.objectContaining({ code: 'STORE_UNAVAILABLE' }) as unknown;
    await expect(store.put(BATCH, 'records', Buffer.from('x'))).rejects.toThrow(
      /part of the path is not a folder/,
    );
    await expect(store.get(BATCH, 'records')).rejects.toEqual(nowhere);
    await expect(store.has(BATCH, 'records')).rejects.toEqual(nowhere);
    await expect(store.list(BATCH)).rejects.toEqual(nowhere);
    await expect(store.delete(BATCH, 'records')).rejects.toEqual(nowhere);
  });
});
