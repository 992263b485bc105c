import { execFileSync } from 'node:child_process';
import { mkdtemp, open, readFile, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withoutKey } from '../../protection/key-ring-changes.js';
import { KeyRing } from '../../protection/key-ring.js';
import { MAX_SEALED_BYTES, SealedBlobError } from '../../protection/seal.js';
import { FilesystemStore } from '../../store/filesystem-store.js';
import { resealStore } from '../../store/reseal.js';
import { StoreUnavailableError } from '../../store/store.js';
import { describeStore } from './store-contract.js';
import { testKeyId, testRing, testRingJson } from '../support/key-rings.js';

const BATCH = { program: 'demo', externalBatchId: 'B.1' };
const PAN = '5186001700009726';
const keyRing = testRing(1);
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

  it('reads no more of a file than a blob may have, and waits for no pipe', async () => {
    await store.put(BATCH, 'records', Buffer.from(PAN));
    // More than Node would read at once; what is not written takes no place on the disk.
    await truncate(file('records'), 3 * 1024 ** 3);
    await expect(store.get(BATCH, 'records')).rejects.toMatchObject({ reason: 'altered' });
    await rm(file('records'));
    if (process.platform === 'win32') return;
    execFileSync('mkfifo', [file('records')]);
    for (const reading of [() => store.get(BATCH, 'records'), () => store.keyIdOf(BATCH, 'records')])
      await expect(reading()).rejects.toThrow(StoreUnavailableError);
  });

  it('writes no blob that would not be read again', async () => {
    const tooLarge = new Uint8Array(MAX_SEALED_BYTES);
    await expect(store.put(BATCH, 'records', tooLarge)).rejects.toThrow(RangeError);
    expect(await store.has(BATCH, 'records')).toBe(false);
  });

  it('refuses an old blob under a new batch of the same id, and blobs that two batches exchanged', async () => {
    const path = (batch: typeof BATCH, ref: string) =>
      join(
        root,
        batch.program,
        batch.externalBatchId === 'B.1' ? '%42%2e1' : batch.externalBatchId,
        `${ref}.sealed`,
      );
    const batches = ['one', 'two'].map((externalBatchId) => ({ program: 'demo', externalBatchId }));
    const others = [{ program: 'other', externalBatchId: 'one' }, BATCH];
    const all = [...batches, ...others];
    const refs = ['records-a', 'records-b', 'outcomes'];
    for (const batch of all) for (const ref of refs) await store.put(batch, ref, Buffer.from(PAN));
    const places = all.flatMap((batch) => refs.map((ref) => ({ batch, ref })));
    const sealed = await Promise.all(places.map(({ batch, ref }) => readFile(path(batch, ref))));
    for (const [i, { batch, ref }] of places.entries()) {
      for (const [j, blob] of sealed.entries()) {
        await writeFile(path(batch, ref), blob);
        const opened = store.get(batch, ref).then(
          () => 'opened',
          (error: SealedBlobError) => error.reason,
        );
        expect(await opened).toBe(i === j ? 'opened' : 'altered');
      }
      await writeFile(path(batch, ref), sealed[i]!);
    }
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

describe('re-sealing', () => {
  const before = testRingJson(1);
  const after = testRingJson(1, 2);
  const storeWith = (root: string, json: typeof before) =>
    new FilesystemStore({ root, keyRing: KeyRing.parse(json, 'test') });
  let root: string;
  let store: FilesystemStore;
  beforeEach(async () => {
    root = await temporaryFolder();
    const old = storeWith(root, before);
    for (const ref of ['outcomes', 'closed']) await old.put(BATCH, ref, Buffer.from(ref));
    store = storeWith(root, after);
  });

  it('seals everything under the current key, once, and what it sealed needs no other key', async () => {
    const written = await store.lastWritten(BATCH);
    await store.put({ ...BATCH, program: 'other' }, 'outcomes', Buffer.from('new'));
    expect(await store.keyIdOf(BATCH, 'outcomes')).toBe(testKeyId(1));
    expect(await store.keyIdOf(BATCH, 'none')).toBeUndefined();
    const progress: number[] = [];
    const onBatch = ({ blobs }: { blobs: number }) => void progress.push(blobs);
    expect(await resealStore(store, { onBatch })).toEqual({ blobs: 3, resealed: 2, unreadable: 0 });
    expect(progress.at(-1)).toBe(3);
    expect(await resealStore(store)).toEqual({ blobs: 3, resealed: 0, unreadable: 0 });
    const retired = storeWith(root, withoutKey(after, testKeyId(1)));
    for (const ref of ['outcomes', 'closed']) {
      expect(await store.keyIdOf(BATCH, ref)).toBe(testKeyId(2));
      expect(Buffer.from(await retired.get(BATCH, ref)).toString()).toBe(ref);
    }
    // The sweep's grace time begins with the last write, not with this.
    expect(written!.getTime() - (await store.lastWritten(BATCH))!.getTime()).toBeLessThan(10);
    expect((await store.lastWritten(BATCH))!.getTime()).toBeLessThanOrEqual(written!.getTime());
  });

  it('leaves what does not open as it is, says which, and goes on', async () => {
    const file = join(root, 'demo', '%42%2e1', 'closed.sealed');
    const altered = await readFile(file);
    altered.writeUInt8(altered.readUInt8(30) ^ 1, 30);
    await writeFile(file, altered);
    const told: string[] = [];
    const result = await resealStore(store, { onUnreadable: (_, { message }) => told.push(message) });
    expect(result).toEqual({ blobs: 2, resealed: 1, unreadable: 1 });
    expect(told).toEqual([expect.stringContaining('["demo","B.1","closed"]')]);
    expect(await readFile(file)).toEqual(altered);
  });

  it('neither brings back what is purged nor undoes what is written by others at the same time', async () => {
    const batches = Array.from({ length: 40 }, (_, i) => ({ program: 'busy', externalBatchId: `b-${i}` }));
    const old = storeWith(root, before);
    for (const batch of batches)
      for (const ref of ['records-a', 'outcomes']) await old.put(batch, ref, Buffer.from(`${ref} of old`));
    const purge = async (batch: (typeof batches)[number]) => {
      await store.put(batch, 'outcomes', Buffer.from('outcomes of new'));
      await store.delete(batch, 'records-a');
    };
    await Promise.all([resealStore(store), resealStore(store), ...batches.map(purge)]);
    for (const batch of batches) {
      expect(await store.list(batch)).toEqual(['outcomes']);
      expect(Buffer.from(await store.get(batch, 'outcomes')).toString()).toBe('outcomes of new');
    }
  });
});
