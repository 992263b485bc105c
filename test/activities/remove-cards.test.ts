import { afterEach, describe, expect, it, vi } from 'vitest';
import { Blob } from '../../enrollment/blobs.js';
import type { GatewayFailure } from '../../mastercard/errors.js';
import type { CardRemoval, ProfileRemoval } from '../../mastercard/gateway.js';
import { ScriptedGateway } from '../support/scripted-gateway.js';
import {
  BATCH,
  cardsAsked,
  enrolled,
  enrolledCards,
  failure,
  profilesAsked,
  RemovalRig,
} from './removal-rig.js';

let rig: RemovalRig;
afterEach(async () => {
  vi.useRealTimers();
  await rig.close();
});

/** Removes every card but those named, which meet the failure. */
function failingFor(ids: readonly string[], error: GatewayFailure) {
  return [
    ({ srcDigitalCardId }: CardRemoval) => {
      if (ids.includes(srcDigitalCardId)) throw error;
      return 'removed' as const;
    },
  ];
}

describe('removeCards', () => {
  it('removes the enrolled cards, the last first, then the profiles that this leaves empty', async () => {
    const failed = enrolled(3, { status: 'FAILED', reason: 'INVALID_PAN', srcDigitalCardId: undefined });
    rig = await RemovalRig.create([
      enrolled(1, { srcConsumerId: 'ana' }),
      enrolled(2, { srcConsumerId: 'ben' }),
      failed,
      enrolled(4, { srcConsumerId: 'ana' }),
    ]);
    const gateway = new ScriptedGateway({ deleteCard: ['removed', 'absent', 'removed'] });
    const result = await rig.attempt(gateway).result;

    expect(result).toEqual({
      counts: { cards: 4, pending: 0, enrolled: 0, failed: 1, invalid: 0, rolledBack: 3, unreported: 0 },
      removed: 2,
      absent: 1,
      failed: 0,
      profilesRemoved: 2,
      profilesFailed: 0,
    });
    expect(cardsAsked(gateway)).toEqual(['dig-4', 'dig-2', 'dig-1']);
    expect(profilesAsked(gateway)).toEqual(['ana', 'ben']);
    expect(gateway.cardRemovals[0]).toMatchObject({ reason: 'ROLLBACK', flowId: 'site-7' });
    expect(gateway.profileRemovals[0]).toMatchObject({ flowId: 'site-7' });
    const rolledBack = { status: 'ROLLED_BACK', reason: 'ROLLED_BACK' };
    expect(await rig.outcomes()).toEqual([
      { ...enrolled(1, { srcConsumerId: 'ana' }), ...rolledBack, details: [{ code: 'REMOVED' }] },
      { ...enrolled(2, { srcConsumerId: 'ben' }), ...rolledBack, details: [{ code: 'ALREADY_ABSENT' }] },
      failed,
      { ...enrolled(4, { srcConsumerId: 'ana' }), ...rolledBack, details: [{ code: 'REMOVED' }] },
    ]);
  });

  it('makes every call under a correlation id of its own', async () => {
    rig = await RemovalRig.create(enrolledCards(3));
    const gateway = new ScriptedGateway();
    await rig.attempt(gateway).result;
    const calls = [...gateway.cardRemovals, ...gateway.profileRemovals];
    expect(new Set(calls.map(({ correlationId }) => correlationId)).size).toBe(6);
  });

  it('makes no call when nothing is enrolled', async () => {
    rig = await RemovalRig.create([enrolled(1, { status: 'FAILED' }), enrolled(2, { status: 'INVALID' })]);
    const gateway = new ScriptedGateway();
    const result = await rig.attempt(gateway).result;
    expect(result).toMatchObject({ removed: 0, absent: 0, failed: 0, profilesRemoved: 0 });
    expect([...cardsAsked(gateway), ...profilesAsked(gateway)]).toEqual([]);
  });

  it('finds everything absent when it is done again from the beginning', async () => {
    rig = await RemovalRig.create(enrolledCards(3));
    const gateway = new ScriptedGateway({ deleteCard: ['absent'], deleteProfile: ['absent'] });
    const result = await rig.attempt(gateway).result;
    expect(result).toMatchObject({ removed: 0, absent: 3, failed: 0, profilesRemoved: 3 });
    expect(result.counts.rolledBack).toBe(3);
  });

  it('leaves removed cards alone when it is run again, and gives the same result', async () => {
    rig = await RemovalRig.create(enrolledCards(2));
    const first = await rig.attempt(new ScriptedGateway()).result;
    const outcomes = await rig.outcomes();
    const gateway = new ScriptedGateway({ deleteProfile: ['absent'] });
    expect(await rig.attempt(gateway).result).toEqual(first);
    expect(cardsAsked(gateway)).toEqual([]);
    expect(await rig.outcomes()).toEqual(outcomes);
  });

  it('counts right when the batch is purged but for its outcomes', async () => {
    rig = await RemovalRig.create([...enrolledCards(2), enrolled(3, { status: 'INVALID' })]);
    await rig.store.delete(BATCH, Blob.cards);
    const { counts } = await rig.attempt(new ScriptedGateway()).result;
    expect(counts).toMatchObject({ cards: 3, pending: 0, rolledBack: 2, invalid: 1 });
  });
});

describe('a card that cannot be removed', () => {
  it.each([
    ['refused', 'INVALID_ARGUMENT'],
    ['configuration', 'PERMISSION_DENIED'],
  ] as const)('stays enrolled after %s, says why, and does not hold up the others', async (kind, reason) => {
    rig = await RemovalRig.create(enrolledCards(3));
    const gateway = new ScriptedGateway({ deleteCard: failingFor(['dig-2'], failure(kind, reason)) });
    const result = await rig.attempt(gateway).result;

    expect(result).toMatchObject({ removed: 2, failed: 1, profilesRemoved: 2 });
    expect(result.counts).toMatchObject({ enrolled: 1, rolledBack: 2 });
    expect(cardsAsked(gateway)).toEqual(['dig-3', 'dig-2', 'dig-1']);
    expect(profilesAsked(gateway)).toEqual(['src-3', 'src-1']);
    const [, kept] = await rig.outcomes();
    expect(kept).toEqual({
      ...enrolled(2),
      details: [{ code: 'REMOVAL_FAILED', message: expect.stringContaining(reason) as string }],
    });
  });

  it('is tried again when the activity is run again, and its earlier failure is replaced', async () => {
    rig = await RemovalRig.create(enrolledCards(2));
    const again = failingFor(['dig-1'], failure('refused', 'INVALID_ARGUMENT'));
    await rig.attempt(new ScriptedGateway({ deleteCard: again })).result;
    await rig.attempt(new ScriptedGateway({ deleteCard: again })).result;
    expect(await rig.summary()).toEqual(['card-1 ENROLLED REMOVAL_FAILED', 'card-2 ROLLED_BACK REMOVED']);

    const gateway = new ScriptedGateway();
    const result = await rig.attempt(gateway).result;
    expect(result).toMatchObject({ removed: 2, failed: 0, profilesRemoved: 2 });
    expect(cardsAsked(gateway)).toEqual(['dig-1']);
    expect(await rig.summary()).toEqual(['card-1 ROLLED_BACK REMOVED', 'card-2 ROLLED_BACK REMOVED']);
  });

  it('fails without a call when Mastercard gave no id to remove it by', async () => {
    rig = await RemovalRig.create([enrolled(1, { srcDigitalCardId: undefined })]);
    const gateway = new ScriptedGateway();
    expect(await rig.attempt(gateway).result).toMatchObject({ removed: 0, failed: 1 });
    expect(cardsAsked(gateway)).toEqual([]);
    expect(await rig.summary()).toEqual(['card-1 ENROLLED REMOVAL_FAILED']);
  });

  it.each(['notSent', 'notAccepted', 'unknown'] as const)(
    'is given up after a few attempts that end as %s',
    async (kind) => {
      rig = await RemovalRig.create(enrolledCards(2));
      vi.useFakeTimers().setTimerTickMode('nextTimerAsync');
      const gateway = new ScriptedGateway({
        deleteCard: failingFor(['dig-2'], failure(kind, 'UNAVAILABLE')),
      });
      expect(await rig.attempt(gateway).result).toMatchObject({ removed: 1, failed: 1 });
      expect(cardsAsked(gateway)).toEqual(['dig-2', 'dig-2', 'dig-2', 'dig-2', 'dig-1']);
    },
  );

  it('is removed when an attempt fails and the next does not', async () => {
    rig = await RemovalRig.create(enrolledCards(1));
    vi.useFakeTimers().setTimerTickMode('nextTimerAsync');
    const gateway = new ScriptedGateway({ deleteCard: [failure('unknown', 'INTERNAL'), 'absent'] });
    expect(await rig.attempt(gateway).result).toMatchObject({ absent: 1, failed: 0 });
    expect(await rig.summary()).toEqual(['card-1 ROLLED_BACK ALREADY_ABSENT']);
  });
});

describe('a profile', () => {
  it('that still has cards of other batches is left, and that is no failure', async () => {
    rig = await RemovalRig.create(enrolledCards(2));
    const hasCards = failure('refused', 'INVALID_STATE');
    const gateway = new ScriptedGateway({ deleteProfile: [hasCards, 'removed'] });
    const result = await rig.attempt(gateway).result;
    expect(result).toMatchObject({ removed: 2, failed: 0, profilesRemoved: 1, profilesFailed: 0 });
    expect(await rig.summary()).toEqual(['card-1 ROLLED_BACK REMOVED', 'card-2 ROLLED_BACK REMOVED']);
  });

  it('that cannot be removed is told with its cards until it is', async () => {
    rig = await RemovalRig.create([enrolled(1), enrolled(2, { srcConsumerId: 'src-1' }), enrolled(3)]);
    const deleteProfile = [
      ({ srcConsumerId }: ProfileRemoval) => {
        if (srcConsumerId === 'src-1') throw failure('configuration', 'PERMISSION_DENIED');
        return 'removed' as const;
      },
    ];
    const first = await rig.attempt(new ScriptedGateway({ deleteProfile })).result;
    expect(first).toMatchObject({ removed: 3, failed: 0, profilesRemoved: 1, profilesFailed: 1 });
    expect(await rig.summary()).toEqual([
      'card-1 ROLLED_BACK REMOVED PROFILE_REMOVAL_FAILED',
      'card-2 ROLLED_BACK REMOVED PROFILE_REMOVAL_FAILED',
      'card-3 ROLLED_BACK REMOVED',
    ]);
    const second = await rig.attempt(new ScriptedGateway()).result;
    expect(second).toMatchObject({ removed: 3, profilesRemoved: 2, profilesFailed: 0 });
    expect((await rig.summary()).join()).not.toContain('PROFILE_REMOVAL_FAILED');
  });
});
