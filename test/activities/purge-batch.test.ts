import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { purgeBatch, type PurgeBatchInput } from '../../activities/purge-batch.js';
import { Blob } from '../../enrollment/blobs.js';
import { FailureType } from '../../enrollment/errors.js';
import { MAY_BE_ENROLLED, type Outcome } from '../../enrollment/outcomes.js';
import { cardKeysOf } from '../../enrollment/records.js';
import { putJson } from '../../store/store.js';
import { DamagedStore, KEY_ELSEWHERE } from '../support/damaged-store.js';
import {
  BATCH,
  closed,
  DAMAGES,
  damages,
  deps,
  INVALID_OUTCOMES,
  inputOf,
  putStage,
  RECORDS,
  STAGES,
  stages,
  stored,
  VALID,
} from './purge-rig.js';

let store: DamagedStore;
beforeEach(async () => {
  store = await DamagedStore.create();
});
afterEach(() => store.erase());

const cases = stages.flatMap((stage) => Object.keys(STAGES[stage].blobs).map((ref) => [stage, ref] as const));

describe.each(cases)('%s, a batch whose blob %s', (stage, ref) => {
  const isNeeded = (STAGES[stage].needed as readonly string[]).includes(ref);
  const names = isNeeded ? 'which it says' : 'which makes no difference';

  it.each(damages)(`is %s closes, ${names}`, async (damage) => {
    await putStage(store, stage);
    await DAMAGES[damage](store, ref);
    const { reasons, counts } = await closed(store, inputOf(stage));
    expect(counts.cards).toBe(4);
    const said = reasons.filter((reason) => reason !== 'as the workflow says');
    const how = damage === 'missing' ? 'missing' : 'altered or truncated';
    expect(said).toEqual(isNeeded ? [expect.stringContaining(`the blob '${ref}' is ${how}: `)] : []);
  });

  it(`is sealed under a key that is not there ${isNeeded ? 'waits for the key' : 'closes'}`, async () => {
    await putStage(store, stage);
    await store.sealUnderMissingKey(BATCH, ref);
    if (!isNeeded) return void (await closed(store, inputOf(stage)));
    const before = await store.list(BATCH);
    expect(await purgeBatch(deps(store))(inputOf(stage))).toMatchObject({
      kind: 'unreadable',
      why: 'keyMissing',
      ref,
      keyId: KEY_ELSEWHERE,
    });
    expect(await store.list(BATCH)).toEqual(before);
    await store.findKeyOf(BATCH, ref);
    const { reasons } = await closed(store, inputOf(stage));
    expect(reasons).toEqual(['as the workflow says']);
  });

  it('is sealed under a key that is not there closes where an operator says so', async () => {
    await putStage(store, stage);
    await store.sealUnderMissingKey(BATCH, ref);
    const { reasons } = await closed(store, { ...inputOf(stage), withoutUnreadable: true });
    const told = expect.stringContaining(
      `the blob '${ref}' is sealed under key '${KEY_ELSEWHERE}', which is not`,
    ) as string;
    expect(reasons.slice(1)).toEqual(isNeeded ? [told] : []);
  });
});

describe('what a lost blob costs', () => {
  it('is nothing of the outcomes where another names the cards', async () => {
    await putStage(store, 'after outcomes');
    const before = await stored(store);
    await store.alter(BATCH, Blob.cards);
    await closed(store, inputOf('after outcomes'));
    expect(await stored(store)).toEqual(before);
  });

  it('is reported with the batchId where Mastercard had reported, and the batch is FAILED: an operator must ask', async () => {
    await putStage(store, 'after outcomes');
    await store.delete(BATCH, Blob.outcomes);
    const result = await closed(store, inputOf('after outcomes'));
    expect(result).toMatchObject({
      status: 'FAILED',
      failure: FailureType.SealedBlobMissing,
      counts: { cards: 4, unreported: 3, invalid: 1, enrolled: 0 },
    });
    expect(result.reasons[1]).toBe(
      "the blob 'outcomes' is missing: what Mastercard reported of the cards is lost; ask Mastercard about batchId mc-1",
    );
    expect((await stored(store)).slice(0, 3)).toEqual(
      cardKeysOf(VALID).map((key) => ({
        ...key,
        status: 'UNREPORTED',
        reason: 'UNREADABLE',
        details: [MAY_BE_ENROLLED],
      })),
    );
  });

  it('is nothing where Mastercard cannot have reported yet: the cards are validated anew', async () => {
    await putStage(store, 'after validation');
    await store.alter(BATCH, Blob.outcomes);
    const { status, failure } = await closed(store, inputOf('after validation'));
    expect({ status, failure }).toEqual({ status: 'REJECTED', failure: undefined });
    expect(await stored(store)).toEqual([
      ...cardKeysOf(VALID).map((key) => ({ ...key, status: 'UNREPORTED', reason: 'NOT_SENT' })),
      ...INVALID_OUTCOMES,
    ]);
  });

  it('does not make an INVALID card of one that has expired since it was sent', async () => {
    await putStage(store, 'after outcomes');
    await store.delete(BATCH, Blob.outcomes);
    const later = { ...deps(store), now: () => new Date('2050-01-01') };
    await purgeBatch(later)(inputOf('after outcomes'));
    expect((await stored(store)).map(({ status }) => status)).toEqual([
      'UNREPORTED',
      'UNREPORTED',
      'UNREPORTED',
      'INVALID',
    ]);
  });

  it('is the names that no other blob has: the rest of the cards are reported by number', async () => {
    await putStage(store, 'after validation');
    for (const ref of [Blob.cards, RECORDS, Blob.validated(1)]) await store.delete(BATCH, ref);
    const { reasons } = await closed(store, inputOf('after validation'));
    const [invalid] = INVALID_OUTCOMES;
    const unreadable = { status: 'UNREPORTED', reason: 'UNREADABLE', details: [{ code: 'NOT_SENT' }] };
    expect(await stored(store)).toEqual([
      invalid,
      ...['#2', '#3', '#5'].map((n) => ({ externalConsumerId: n, externalCardId: n, ...unreadable })),
    ]);
    expect(reasons).toContain("the blob 'cards' is missing: 3 of 4 cards cannot be named");
  });

  it('is all names where there is nothing at all', async () => {
    const { counts } = await closed(store, inputOf('after outcomes'));
    expect(counts).toMatchObject({ cards: 4, unreported: 4 });
    expect((await stored(store)).map(({ externalCardId }) => externalCardId)).toEqual([
      '#1',
      '#2',
      '#3',
      '#4',
    ]);
  });
});

describe('the cards of a round that is not settled', () => {
  const unsettled: PurgeBatchInput = {
    ...inputOf('after outcomes'),
    status: 'FAILED',
    failure: FailureType.SubmissionUnresolved,
    remaining: { status: 'UNREPORTED', reason: 'SUBMISSION_UNRESOLVED', round: 2 },
    unsettledRound: 2,
  };
  const [one, two, three] = cardKeysOf(VALID) as [Outcome, Outcome, Outcome];
  const failed = (key: Outcome): Outcome => ({ ...key, status: 'FAILED', reason: 'UNAVAILABLE', round: 1 });
  beforeEach(async () => {
    await putStage(store, 'after outcomes');
    await putJson(store, BATCH, Blob.outcomes, [
      { ...one, status: 'ENROLLED', round: 1 },
      failed(two),
      failed(three),
      ...INVALID_OUTCOMES,
    ]);
    await putJson(store, BATCH, Blob.validated(2), VALID.slice(1, 2));
  });
  const open = (key: Outcome) => ({
    ...key,
    status: 'UNREPORTED',
    reason: 'SUBMISSION_UNRESOLVED',
    round: 2,
    details: [MAY_BE_ENROLLED],
  });

  it('are UNREPORTED and may still be enrolled; the others keep what an earlier round said', async () => {
    expect((await closed(store, unsettled)).reasons).toEqual(['as the workflow says']);
    expect((await stored(store)).slice(1, 3)).toEqual([open(two), failed(three)]);
  });

  it('are all that may have been in it, where it cannot be read which were', async () => {
    await store.truncate(BATCH, Blob.validated(2));
    const { reasons } = await closed(store, unsettled);
    expect(reasons[1]).toContain("'validated-2' is altered or truncated: which cards round 2 had is lost");
    const outcomes = await stored(store);
    expect(outcomes[0]).toMatchObject({ status: 'ENROLLED' });
    expect(outcomes.slice(1, 3)).toEqual([open(two), open(three)]);
  });

  it('wait for the key under which it is sealed which they are', async () => {
    await store.sealUnderMissingKey(BATCH, Blob.validated(2));
    expect(await purgeBatch(deps(store))(unsettled)).toMatchObject({
      ref: Blob.validated(2),
      keyId: KEY_ELSEWHERE,
    });
  });
});
