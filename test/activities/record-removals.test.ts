import { afterEach, describe, expect, test } from 'vitest';
import { Blob } from '../../enrollment/blobs.js';
import { BATCH, enrolled, RemovalRig } from './removal-rig.js';

let rig: RemovalRig;
afterEach(() => rig.close());

const REMOVED = { kind: 'removed' } as const;
const ABSENT = { kind: 'absent' } as const;
const REFUSED = { kind: 'failed', message: 'refused' } as const;
const DECLINED = enrolled(3, {
  status: 'FAILED',
  reason: 'INVALID_PAN',
  srcConsumerId: undefined,
  srcDigitalCardId: undefined,
});

/** Cards 1 and 4 are of one consumer; card 3 was declined. */
async function fourCards(): Promise<void> {
  const [ana, ben] = [{ srcConsumerId: 'ana' }, { srcConsumerId: 'ben' }];
  rig = await RemovalRig.create([enrolled(1, ana), enrolled(2, ben), DECLINED, enrolled(4, ana)]);
}

describe('listEnrolled', () => {
  test('gives the positions of the enrolled cards, the last first', async () => {
    await fourCards();
    expect(await rig.list()).toEqual([3, 1, 0]);
  });

  test('gives what is left when some are recorded as out', async () => {
    await fourCards();
    await rig.record({ cards: { 3: REMOVED, 1: REFUSED } });
    expect(await rig.list()).toEqual([1, 0]);
  });

  test('gives nothing where nothing is enrolled', async () => {
    rig = await RemovalRig.create([DECLINED, enrolled(2, { status: 'INVALID' })]);
    expect(await rig.list()).toEqual([]);
  });
});

describe('recordRemovals', () => {
  test('says of each card what became of it, counts, and names the profiles left empty, the last first', async () => {
    await fourCards();
    expect(await rig.record({ cards: { 3: REMOVED, 1: ABSENT, 0: REMOVED } })).toEqual({
      kind: 'recorded',
      counts: { cards: 4, pending: 0, enrolled: 0, failed: 1, invalid: 0, rolledBack: 3, unreported: 0 },
      failed: 0,
      profiles: [3, 1],
      profilesFailed: 0,
    });
    expect(await rig.summary()).toEqual([
      'card-1 ROLLED_BACK REMOVED',
      'card-2 ROLLED_BACK ALREADY_ABSENT',
      'card-3 FAILED',
      'card-4 ROLLED_BACK REMOVED',
    ]);
  });

  test('leaves a card that could not be removed enrolled, with the reason, and its profile alone', async () => {
    await fourCards();
    const recorded = await rig.record({ cards: { 3: REMOVED, 1: REMOVED, 0: REFUSED } });
    expect(recorded).toMatchObject({ failed: 1, profiles: [1], counts: { enrolled: 1, rolledBack: 2 } });
    expect((await rig.outcomes())[0]).toEqual({
      ...enrolled(1, { srcConsumerId: 'ana' }),
      details: [{ code: 'REMOVAL_FAILED', message: 'refused' }],
    });
  });

  test('replaces an earlier failure when the card is tried again', async () => {
    await fourCards();
    await rig.record({ cards: { 3: REMOVED, 1: REMOVED, 0: REFUSED } });
    await rig.record({ cards: { 0: { kind: 'failed', message: 'refused again' } } });
    expect((await rig.outcomes())[0]?.details).toHaveLength(1);
    expect(await rig.record({ cards: { 0: REMOVED } })).toMatchObject({ failed: 0, profiles: [3, 1] });
    expect((await rig.summary())[0]).toBe('card-1 ROLLED_BACK REMOVED');
  });

  test('never makes a card that is out enrolled again, whatever a late attempt says', async () => {
    await fourCards();
    await rig.record({ cards: { 3: REMOVED, 1: ABSENT, 0: REMOVED } });
    const before = await rig.outcomes();
    expect(await rig.record({ cards: { 3: REFUSED, 1: REMOVED, 2: REMOVED } })).toMatchObject({ failed: 0 });
    expect(await rig.outcomes()).toEqual(before);
  });

  test('changes nothing when it is repeated, profiles included', async () => {
    await fourCards();
    const input = { cards: { 3: REMOVED, 1: REMOVED, 0: REMOVED }, profiles: { 3: REFUSED, 1: REMOVED } };
    const first = await rig.record(input);
    const outcomes = await rig.outcomes();
    expect(await rig.record(input)).toEqual(first);
    expect(await rig.record({ cards: input.cards })).toEqual(first);
    expect(await rig.outcomes()).toEqual(outcomes);
  });

  test('names a profile that cannot be removed with its cards, until it can be', async () => {
    await fourCards();
    const cards = { 3: REMOVED, 1: REMOVED, 0: REMOVED };
    expect(await rig.record({ cards, profiles: { 3: REFUSED, 1: REMOVED } })).toMatchObject({
      failed: 0,
      profilesFailed: 1,
    });
    expect(await rig.summary()).toEqual([
      'card-1 ROLLED_BACK REMOVED PROFILE_REMOVAL_FAILED',
      'card-2 ROLLED_BACK REMOVED',
      'card-3 FAILED',
      'card-4 ROLLED_BACK REMOVED PROFILE_REMOVAL_FAILED',
    ]);
    expect(await rig.record({ cards: {}, profiles: { 3: ABSENT } })).toMatchObject({ profilesFailed: 0 });
    expect((await rig.summary()).join()).not.toContain('PROFILE_REMOVAL_FAILED');
  });

  test('takes a profile that other cards keep for no failure', async () => {
    await fourCards();
    const recorded = await rig.record({ cards: { 1: REMOVED }, profiles: { 1: { kind: 'inUse' } } });
    expect(recorded).toMatchObject({ profiles: [1], profilesFailed: 0 });
  });

  test('works for a closed batch, of which the outcomes alone are left', async () => {
    await fourCards();
    await rig.store.delete(BATCH, Blob.cards);
    const recorded = await rig.record({ cards: { 3: REMOVED, 1: REMOVED, 0: REMOVED } });
    expect(recorded.counts).toMatchObject({ cards: 4, pending: 0, rolledBack: 3, failed: 1 });
  });

  test.each(['alter', 'sealUnderMissingKey'] as const)(
    'records what was removed even where the list of cards cannot be read (%s)',
    async (damage) => {
      await fourCards();
      await rig.store[damage](BATCH, Blob.cards);
      expect(await rig.record({ cards: { 3: REMOVED } })).toMatchObject({ counts: { rolledBack: 1 } });
      expect((await rig.summary())[3]).toBe('card-4 ROLLED_BACK REMOVED');
    },
  );
});
