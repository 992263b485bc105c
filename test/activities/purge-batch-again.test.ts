import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { purgeBatch } from '../../activities/purge-batch.js';
import { Blob, type ClosedBatch } from '../../enrollment/blobs.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import { getJson, putJson, type BatchStore } from '../../store/store.js';
import { DamagedStore, KEY_ELSEWHERE } from '../support/damaged-store.js';
import {
  BATCH,
  closed,
  DAMAGES,
  damages,
  deps,
  inputOf,
  putStage,
  RECORDS,
  stages,
  stored,
} from './purge-rig.js';
import { jweOf } from '../support/records.js';

let store: DamagedStore;
beforeEach(async () => {
  store = await DamagedStore.create();
});
afterEach(() => store.erase());

describe('closing again', () => {
  it('gives the same result, also when what the first attempt said was lost is there no more', async () => {
    await putStage(store, 'after outcomes');
    await store.alter(BATCH, Blob.outcomes);
    const first = await closed(store, inputOf('after outcomes'));
    expect(await closed(store, inputOf('after outcomes'))).toEqual(JSON.parse(JSON.stringify(first)));
  });

  it.each(['altered', 'truncated', 'no sealed blob'] as const)(
    'closes where the record of the close before is %s, and says so',
    async (damage) => {
      await putStage(store, 'after outcomes');
      await closed(store, inputOf('after outcomes'));
      const before = await stored(store);
      await DAMAGES[damage](store, Blob.closed);
      const { reasons, counts } = await closed(store, inputOf('after outcomes'));
      expect(reasons[1]).toContain("'closed' is altered or truncated: how the batch closed before is lost");
      expect(counts).toMatchObject({ enrolled: 3, invalid: 1 });
      expect(await stored(store)).toEqual(before);
    },
  );

  it('waits where a key is missing for the record of the close before, or of an attempt', async () => {
    await putStage(store, 'after outcomes');
    for (const ref of [Blob.closing, Blob.closed]) {
      await putJson(store, BATCH, ref, {});
      await store.sealUnderMissingKey(BATCH, ref);
      expect(await purgeBatch(deps(store))(inputOf('after outcomes'))).toMatchObject({
        ref,
        keyId: KEY_ELSEWHERE,
      });
      await store.delete(BATCH, ref);
    }
  });

  it('needs nothing but the record of the close, nor, half done, more than what was decided', async () => {
    await putStage(store, 'after outcomes');
    await purgeBatch(deps(failingAfter(3, store)))(inputOf('after outcomes')).catch(() => {});
    expect(await store.list(BATCH)).toContain(Blob.closing);
    await store.sealUnderMissingKey(BATCH, Blob.outcomes);
    const first = await closed(store, inputOf('after outcomes'));
    expect(first.counts.enrolled).toBe(3);
    await store.sealUnderMissingKey(BATCH, Blob.outcomes);
    const again = await purgeBatch(deps(store))(inputOf('after outcomes'));
    expect(again).toEqual({ kind: 'closed', result: JSON.parse(JSON.stringify(first)) as unknown });
  });

  it('goes by the record of the close, where an attempt left another decision beside it', async () => {
    await putStage(store, 'after outcomes');
    const first = await closed(store, inputOf('after outcomes'));
    const outcomes = await stored(store);
    const record = await getJson<ClosedBatch>(store, BATCH, Blob.closed);
    await putJson(store, BATCH, Blob.closing, { closed: { ...record, result: {} }, outcomes: [] });
    expect(await closed(store, inputOf('after outcomes'))).toEqual(JSON.parse(JSON.stringify(first)));
    expect(await stored(store)).toEqual(outcomes);
  });

  it('after its cards were taken back is another close, of the outcomes that it has by then', async () => {
    await putStage(store, 'after outcomes');
    await closed(store, inputOf('after outcomes'));
    const outcomes = await stored(store);
    const back = outcomes.map((one): Outcome => (one.round ? { ...one, status: 'ROLLED_BACK' } : one));
    await putJson(store, BATCH, Blob.removing, {});
    await putJson(store, BATCH, Blob.outcomes, back);
    const takenBack = {
      ...inputOf('after outcomes'),
      chain: 'chain-2',
      records: '',
      status: 'ROLLED_BACK' as const,
    };
    const result = await closed(store, takenBack);
    expect(result).toMatchObject({
      status: 'ROLLED_BACK',
      reasons: ['as the workflow says'],
      counts: { rolledBack: 3, invalid: 1 },
    });
    expect(await getJson(store, BATCH, Blob.closed)).toMatchObject({ chain: 'chain-2', records: RECORDS });
  });
});

/** The store, until it has changed so often; then it fails. */
function failingAfter(changes: number, of: BatchStore): BatchStore {
  let left = changes;
  return new Proxy(of, {
    get(target, name: keyof BatchStore) {
      const method = (target[name] as (...args: unknown[]) => unknown).bind(target);
      if (!['put', 'putNew', 'delete'].includes(name)) return method;
      return (...args: unknown[]) => {
        if (left === 0) return Promise.reject(new Error('the store is away'));
        left -= 1;
        return method(...args);
      };
    },
  });
}

it('whatever is damaged and however often it is cut short, a batch closes with one outcome a card', async () => {
  const damaged = fc.dictionary(
    fc.constantFrom(RECORDS, Blob.validated(1), Blob.cards, Blob.outcomes, jweOf(1)),
    fc.constantFrom(...damages),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...stages),
      damaged,
      fc.array(fc.nat(8), { maxLength: 4 }),
      async (stage, how, cuts) => {
        await putStage(store, stage);
        const there = await store.list(BATCH);
        for (const [ref, damage] of Object.entries(how))
          if (there.includes(ref)) await DAMAGES[damage](store, ref);
        const input = inputOf(stage);
        for (const changes of cuts)
          await purgeBatch(deps(failingAfter(changes, store)))(input).catch(() => {});
        const { counts, reasons } = await closed(store, input);
        expect(counts.cards).toBe(4);
        const outcomes = await stored(store);
        const isIntact = Object.keys(how).every((ref) => !there.includes(ref));
        if (isIntact) expect(reasons).toEqual(['as the workflow says']);
        if (stage === 'after outcomes' && how[Blob.outcomes]) {
          expect(reasons.join()).toContain('what Mastercard reported of the cards is lost');
          expect(counts.enrolled).toBe(0);
        } else if (stage === 'after outcomes') expect(counts.enrolled).toBe(3);
        expect(outcomes).toHaveLength(4);
        for (const ref of await store.list(BATCH)) await store.delete(BATCH, ref);
      },
    ),
    { numRuns: 60 },
  );
});

describe('an attempt that is overtaken', () => {
  /** Stops before it is called for the first time, until it is let go. */
  function stoppedAt(
    name: 'get' | 'putNew',
    nth: number,
  ): { of: BatchStore; stopped: Promise<void>; go: () => void } {
    let go = () => {};
    let stop = () => {};
    const going = new Promise<void>((resolve) => (go = resolve));
    const stopped = new Promise<void>((resolve) => (stop = resolve));
    let calls = 0;
    const of = new Proxy<BatchStore>(store, {
      get(target, property: keyof BatchStore) {
        const method = (target[property] as (...args: unknown[]) => unknown).bind(target);
        if (property !== name) return method;
        return async (...args: unknown[]) => {
          calls += 1;
          if (calls === nth) {
            stop();
            await going;
          }
          return method(...args);
        };
      },
    });
    return { of, stopped, go };
  }

  it.each([
    ['it has read anything', 'get', 1],
    ['it has read all', 'get', 2],
    ['it decides', 'putNew', 1],
  ] as const)('before %s changes nothing, and gives the result of the other', async (_, name, nth) => {
    await putStage(store, 'after outcomes');
    const { of, stopped, go } = stoppedAt(name, nth);
    const late = purgeBatch(deps(of))(inputOf('after outcomes'));
    await stopped;
    const result = await closed(store, inputOf('after outcomes'));
    const outcomes = await stored(store);
    go();
    expect(JSON.parse(JSON.stringify(await late))).toEqual({
      kind: 'closed',
      result: JSON.parse(JSON.stringify(result)) as unknown,
    });
    expect(await stored(store)).toEqual(outcomes);
    expect(await store.list(BATCH)).toEqual([Blob.closed, Blob.outcomes]);
  });

  it('by one that was cut short while it erased does what that one had decided', async () => {
    await putStage(store, 'after outcomes');
    const { of, stopped, go } = stoppedAt('get', 1);
    const late = purgeBatch(deps(of))(inputOf('after outcomes'));
    await stopped;
    await purgeBatch(deps(failingAfter(3, store)))(inputOf('after outcomes')).catch(() => {});
    expect(await store.list(BATCH)).not.toContain(Blob.cards);
    go();
    expect(await late).toMatchObject({ kind: 'closed', result: { reasons: ['as the workflow says'] } });
  });

  it('erases also what an activity before it writes so late', async () => {
    await putStage(store, 'after outcomes');
    const { of, stopped, go } = stoppedAt('putNew', 1);
    const late = purgeBatch(deps(of))(inputOf('after outcomes'));
    await stopped;
    await putJson(store, BATCH, jweOf(2), 'a JWE');
    go();
    await late;
    expect(await store.list(BATCH)).toEqual([Blob.closed, Blob.outcomes]);
  });

  it('by one at the same time comes to the same', async () => {
    await putStage(store, 'after outcomes');
    const both = await Promise.all([1, 2, 3].map(() => purgeBatch(deps(store))(inputOf('after outcomes'))));
    expect(new Set(both.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(both[0]).toMatchObject({ kind: 'closed', result: { counts: { enrolled: 3, invalid: 1 } } });
    expect(await store.list(BATCH)).toEqual([Blob.closed, Blob.outcomes]);
  });
});
