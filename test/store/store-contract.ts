import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { BatchAddress, BatchStore } from '../../store/store.js';
import { getJson, putJson } from '../../store/store.js';

const BATCH: BatchAddress = { program: 'demo', externalBatchId: '2026-11-debit-0001' };
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'utf8'));

/**
 * What every driver of the store must do.
 * @param makeStore makes an empty store.
 */
export function describeStore(name: string, makeStore: () => Promise<BatchStore>): void {
  describe(`${name} as a store`, () => {
    let store: BatchStore;
    beforeEach(async () => {
      store = await makeStore();
    });

    const read = async (ref: string, batch = BATCH) =>
      Buffer.from(await store.get(batch, ref)).toString('utf8');

    it('gives back what was put', async () => {
      await store.put(BATCH, 'records-a', bytes('one'));
      expect(await read('records-a')).toBe('one');
      await store.put(BATCH, 'empty', bytes(''));
      expect(await read('empty')).toBe('');
      const large = new Uint8Array(1_000_000).fill(7);
      await store.put(BATCH, 'large', large);
      expect(Buffer.from(await store.get(BATCH, 'large')).equals(large)).toBe(true);
    });

    it('replaces what was there', async () => {
      await store.put(BATCH, 'outcomes', bytes('a longer first version'));
      await store.put(BATCH, 'outcomes', bytes('second'));
      expect(await read('outcomes')).toBe('second');
      expect(await store.list(BATCH)).toEqual(['outcomes']);
    });

    it('leaves what was there to who only puts what is new', async () => {
      expect(await store.putNew(BATCH, 'data', bytes('first'))).toBe(true);
      expect(await store.putNew(BATCH, 'data', bytes('second'))).toBe(false);
      expect(await read('data')).toBe('first');
      await store.delete(BATCH, 'data');
      const several = ['a', 'b', 'c', 'd'].map((text) => store.putNew(BATCH, 'data', bytes(text)));
      const won = (await Promise.all(several)).indexOf(true);
      expect((await Promise.all(several)).filter(Boolean)).toHaveLength(1);
      expect(await read('data')).toBe('abcd'[won]);
      expect(await store.list(BATCH)).toEqual(['data']);
    });

    it('names every batch that has blobs, and when it was last written to', async () => {
      const other = { program: 'demo', externalBatchId: '..' };
      const before = Date.now();
      await store.put(BATCH, 'outcomes', bytes('one'));
      await store.put(other, 'outcomes', bytes('two'));
      await store.put(other, 'gone', bytes('three'));
      await store.delete(other, 'gone');

      const found: BatchAddress[] = [];
      for await (const batch of store.batches()) found.push(batch);
      expect(found).toHaveLength(2);
      expect(found).toEqual(expect.arrayContaining([BATCH, other]));
      // File systems keep times in steps of up to two seconds.
      expect((await store.lastWritten(BATCH))!.getTime()).toBeGreaterThan(before - 2_000);
      expect(await store.lastWritten({ program: 'demo', externalBatchId: 'unknown' })).toBeUndefined();
    });

    it('keeps JSON', async () => {
      await putJson(store, BATCH, 'closed', { name: 'Díaz', cards: [1, null] });
      expect(await getJson(store, BATCH, 'closed')).toEqual({ name: 'Díaz', cards: [1, null] });
    });

    it('names batch and blob when it has none', async () => {
      await store.put(BATCH, 'other', bytes('x'));
      for (const batch of [BATCH, { ...BATCH, program: 'unknown' }]) {
        await expect(store.get(batch, 'records-a')).rejects.toMatchObject({
          code: 'SEALED_BLOB_MISSING',
          message: `the store has no blob 'records-a' for batch '2026-11-debit-0001' of program '${batch.program}'`,
        });
        expect(await store.has(batch, 'records-a')).toBe(false);
      }
      expect(await store.has(BATCH, 'other')).toBe(true);
    });

    it('lists the blobs of one batch in order, and none of an unknown batch', async () => {
      expect(await store.list(BATCH)).toEqual([]);
      for (const ref of ['validated-1', 'cards', 'records-a']) await store.put(BATCH, ref, bytes(ref));
      await store.put({ ...BATCH, externalBatchId: 'another' }, 'outcomes', bytes('x'));
      expect(await store.list(BATCH)).toEqual(['cards', 'records-a', 'validated-1']);
    });

    it('erases a blob, as often as it is asked to, and no other', async () => {
      await store.put(BATCH, 'records-a', bytes('a'));
      await store.put(BATCH, 'outcomes', bytes('b'));
      await store.delete(BATCH, 'records-a');
      await store.delete(BATCH, 'records-a');
      expect(await store.has(BATCH, 'records-a')).toBe(false);
      expect(await store.list(BATCH)).toEqual(['outcomes']);
      await store.delete(BATCH, 'outcomes');
      expect(await store.list(BATCH)).toEqual([]);
      await store.put(BATCH, 'outcomes', bytes('again'));
      expect(await read('outcomes')).toBe('again');
    });

    it('never mistakes one batch or blob for another', async () => {
      const names = ['a', 'A', '.', '..', 'a.b', 'a:b', 'a%3ab', 'a-b', 'a_b', '%', 'con', 'é', 'a/b', '~2'];
      const addresses = names.flatMap((one) => [
        { batch: { program: 'p', externalBatchId: one }, ref: 'r' },
        { batch: { program: one, externalBatchId: 'b' }, ref: 'r' },
        { batch: { program: 'p', externalBatchId: 'b' }, ref: one },
      ]);
      for (const [i, { batch, ref }] of addresses.entries()) await store.put(batch, ref, bytes(String(i)));
      for (const [i, { batch, ref }] of addresses.entries()) expect(await read(ref, batch)).toBe(String(i));
    });

    it('keeps one of the versions whole when several are put at once', async () => {
      const versions = Array.from({ length: 8 }, (_, i) => String(i).repeat(50_000));
      const readers = versions.map(() => read('outcomes').catch(() => versions[0]));
      await Promise.all(versions.map((version) => store.put(BATCH, 'outcomes', bytes(version))));
      for (const seen of [...(await Promise.all(readers)), await read('outcomes')])
        expect(versions).toContain(seen);
      expect(await store.list(BATCH)).toEqual(['outcomes']);
    });

    it('keeps a blob that is put while the last other one of its batch is erased', async () => {
      for (let round = 0; round < 20; round += 1) {
        await store.put(BATCH, 'records-a', bytes('a'));
        await Promise.all([store.put(BATCH, 'outcomes', bytes('kept')), store.delete(BATCH, 'records-a')]);
        expect(await store.list(BATCH)).toEqual(['outcomes']);
        expect(await read('outcomes')).toBe('kept');
        await store.delete(BATCH, 'outcomes');
      }
    });

    it('holds what a map would hold, whatever the order of calls', async () => {
      const ref = fc.constantFrom('cards', 'outcomes', 'records-a');
      const call = fc.oneof(
        fc.record({ put: ref, value: fc.string({ unit: 'grapheme', maxLength: 20 }) }),
        fc.record({ erase: ref }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(call, { maxLength: 8 }), async (calls) => {
          const model = new Map<string, string>();
          for (const each of calls) {
            if ('put' in each) {
              await store.put(BATCH, each.put, bytes(each.value));
              model.set(each.put, each.value);
            } else {
              await store.delete(BATCH, each.erase);
              model.delete(each.erase);
            }
          }
          expect(await store.list(BATCH)).toEqual([...model.keys()].sort());
          for (const [key, value] of model) expect(await read(key)).toBe(value);
          for (const key of model.keys()) await store.delete(BATCH, key);
        }),
        { numRuns: 25 },
      );
    });
  });
}
