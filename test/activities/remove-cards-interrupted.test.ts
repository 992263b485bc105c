import { CancelledFailure } from '@temporalio/activity';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { GatewayFailure } from '../../mastercard/errors.js';
import type { RemovalResult } from '../../mastercard/gateway.js';
import type { BatchStore } from '../../store/store.js';
import { ScriptedGateway } from '../support/scripted-gateway.js';
import { cardsAsked, enrolledCards, failure, RemovalRig } from './removal-rig.js';

let rig: RemovalRig;
afterEach(async () => {
  vi.useRealTimers();
  await rig.close();
});

describe('an attempt at removeCards that does not come to its end', () => {
  it('has stored every 25 cards how far it was, and the next goes on from there', async () => {
    rig = await RemovalRig.create(enrolledCards(60));
    const { gateway, heartbeats, outcome } = await dyingAt('dig-5', ['removed']);
    expect(outcome).toBe('died');
    expect(gateway.cardRemovals).toHaveLength(56);
    expect((await rig.outcomes()).filter(({ status }) => status === 'ROLLED_BACK')).toHaveLength(50);
    expect(heartbeats.at(-1)).toEqual({ left: 10 });

    const next = new ScriptedGateway({
      deleteCard: [({ srcDigitalCardId }) => (Number(srcDigitalCardId.slice(4)) > 5 ? 'absent' : 'removed')],
    });
    const counts = await rig.attempt(next, { heartbeatDetails: heartbeats.at(-1) }).result;
    expect(cardsAsked(next)).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1].map((n) => `dig-${n}`));
    expect(counts).toMatchObject({ removed: 55, absent: 5, failed: 0, profilesRemoved: 60 });
  });

  it('has stored each card that it could not remove, and the next need not try it again', async () => {
    rig = await RemovalRig.create(enrolledCards(3));
    const answers = ['removed' as const, failure('refused', 'INVALID_ARGUMENT')];
    const { heartbeats, outcome } = await dyingAt('dig-1', answers);
    expect(outcome).toBe('died');
    expect(heartbeats.at(-1)).toEqual({ left: 1 });

    const next = new ScriptedGateway();
    const counts = await rig.attempt(next, { heartbeatDetails: heartbeats.at(-1) }).result;
    expect(cardsAsked(next)).toEqual(['dig-1']);
    expect(counts).toMatchObject({ removed: 2, failed: 1 });
  });

  it('ends between two cards when the worker stops, and nothing of what it did is lost', async () => {
    rig = await RemovalRig.create(enrolledCards(10));
    const gateway: ScriptedGateway = new ScriptedGateway({
      deleteCard: [
        () => {
          if (gateway.cardRemovals.length === 4) environment.cancel('WORKER_SHUTDOWN');
          return 'removed';
        },
      ],
    });
    const { environment, heartbeats, result } = rig.attempt(gateway);
    await expect(result).rejects.toBeInstanceOf(CancelledFailure);
    expect(cardsAsked(gateway)).toEqual(['dig-10', 'dig-9', 'dig-8', 'dig-7']);
    expect((await rig.outcomes()).map(({ status }) => status)).toEqual([
      ...Array<string>(6).fill('ENROLLED'),
      ...Array<string>(4).fill('ROLLED_BACK'),
    ]);
    expect(heartbeats.at(-1)).toEqual({ left: 6 });
  });

  it('says nothing of a card whose call the stop of the worker cut short', async () => {
    rig = await RemovalRig.create(enrolledCards(2));
    const gateway = new ScriptedGateway({
      deleteCard: [
        'removed',
        () => {
          environment.cancel('WORKER_SHUTDOWN');
          throw failure('unknown', 'AbortError');
        },
      ],
    });
    const { environment, heartbeats, result } = rig.attempt(gateway);
    await expect(result).rejects.toBeInstanceOf(CancelledFailure);
    expect(await rig.summary()).toEqual(['card-1 ENROLLED', 'card-2 ROLLED_BACK REMOVED']);
    expect(heartbeats.at(-1)).toEqual({ left: 1 });
  });

  it('does not undo what another attempt has stored meanwhile', async () => {
    rig = await RemovalRig.create(enrolledCards(2));
    const slow = new ScriptedGateway({
      deleteCard: [
        async () => {
          await rig.attempt(new ScriptedGateway()).result;
          throw failure('refused', 'INVALID_ARGUMENT');
        },
      ],
    });
    expect(await rig.attempt(slow).result).toMatchObject({ removed: 2, failed: 0 });
    expect(await rig.summary()).toEqual(['card-1 ROLLED_BACK REMOVED', 'card-2 ROLLED_BACK REMOVED']);
  });

  it('heartbeats while it waits, with how far the stored outcomes are', async () => {
    rig = await RemovalRig.create(enrolledCards(3));
    vi.useFakeTimers().setTimerTickMode('nextTimerAsync');
    const wait = new GatewayFailure({ kind: 'notAccepted', operation: 'deleteCard', retryAfterMs: 60_000 });
    const gateway = new ScriptedGateway({ deleteCard: ['removed', wait, 'removed'] });
    const { heartbeats, result } = rig.attempt(gateway);
    await result;
    expect(heartbeats.slice(0, 29)).toEqual(Array(29).fill({ left: 3 }));
    expect(heartbeats.at(-1)).toEqual({ left: 0 });
  });
});

/** An attempt whose process dies at a card: from then on nothing is stored. Earlier cards are answered in turn. */
async function dyingAt(card: string, answers: (RemovalResult | GatewayFailure)[]) {
  const death = new Error('the process died');
  let dead = false;
  const gateway: ScriptedGateway = new ScriptedGateway({
    deleteCard: [
      ({ srcDigitalCardId }) => {
        dead = srcDigitalCardId === card;
        if (dead) throw death;
        const answer = answers[Math.min(gateway.cardRemovals.length, answers.length) - 1] ?? 'removed';
        if (answer instanceof GatewayFailure) throw answer;
        return answer;
      },
    ],
  });
  const { store } = rig;
  const mortal: BatchStore = {
    batches: () => store.batches(),
    lastWritten: (batch) => store.lastWritten(batch),
    keyIdOf: store.keyIdOf.bind(store),
    reseal: store.reseal.bind(store),
    putNew: store.putNew.bind(store),
    get: store.get.bind(store),
    has: store.has.bind(store),
    delete: store.delete.bind(store),
    list: store.list.bind(store),
    put: (...args) => (dead ? Promise.reject(death) : store.put(...args)),
  };
  const { heartbeats, result } = rig.attempt(gateway, { store: mortal });
  const outcome = await result.then(
    () => 'ended',
    (error: unknown) => (error === death ? 'died' : error),
  );
  return { gateway, heartbeats, outcome };
}
