import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import { ActivityCancellationDetails } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ScriptedGateway } from '../support/scripted-gateway.js';
import { activityEnvironment } from './environment.js';
import { enrolled, failure, RemovalRig, type RemovalCall } from './removal-rig.js';

let rig: RemovalRig;
beforeEach(async () => {
  rig = await RemovalRig.create([enrolled(1), enrolled(2)]);
});
afterEach(async () => {
  vi.useRealTimers();
  await rig.close();
});

const calls: Record<string, RemovalCall> = {
  removeCard: (rig, answer, environment) =>
    rig.removeCard(new ScriptedGateway({ deleteCard: [answer] }), 1, environment),
  removeProfile: (rig, answer, environment) =>
    rig.removeProfile(new ScriptedGateway({ deleteProfile: [answer] }), 1, environment),
};

describe.each(Object.entries(calls))('%s makes one call to Mastercard', (_, call) => {
  test.each(['removed', 'absent'] as const)('and answers as Mastercard does: %s', async (answer) => {
    expect(await call(rig, answer)).toEqual({ kind: answer });
  });

  test.each([
    ['refused', 'INVALID_ARGUMENT'],
    ['configuration', 'PERMISSION_DENIED'],
  ] as const)('and gives what no repeating mends as a result: %s', async (kind, reason) => {
    const message = expect.stringContaining(reason) as string;
    expect(await call(rig, failure(kind, reason))).toEqual({ kind: 'failed', message });
  });

  test.each(['notSent', 'notAccepted', 'unknown'] as const)(
    'and leaves it to Temporal to repeat one that ends as %s',
    async (kind) => {
      const error = await call(rig, failure(kind, 'UNAVAILABLE')).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ApplicationFailure);
      expect(error).toMatchObject({ type: 'GatewayUnavailable', nonRetryable: false });
      expect(error).toMatchObject({ nextRetryDelay: undefined });
    },
  );

  test('which is repeated when Mastercard asks for it', async () => {
    const slow = failure('notAccepted', 'RESOURCE_EXHAUSTED', { retryAfterMs: 90_000 });
    await expect(call(rig, slow)).rejects.toMatchObject({ nextRetryDelay: 90_000 });
  });

  test('and throws what is no failure of the gateway', async () => {
    const defect = new TypeError('a defect');
    const broken = () => {
      throw defect;
    };
    await expect(call(rig, broken)).rejects.toBe(defect);
  });

  test('and says nothing of one that a cancellation cut short', async () => {
    const environment = activityEnvironment();
    const cut = () => {
      environment.cancel();
      throw failure('refused', 'CANCELLED');
    };
    await expect(call(rig, cut, environment)).rejects.toBeInstanceOf(CancelledFailure);
  });

  test('and is repeated by another worker where the stop of its own cut it short', async () => {
    const environment = activityEnvironment();
    const cut = () => {
      environment.cancel('WORKER_SHUTDOWN', new ActivityCancellationDetails({ workerShutdown: true }));
      throw failure('unknown', 'AbortError');
    };
    await expect(call(rig, cut, environment)).rejects.toMatchObject({
      type: 'GatewayUnavailable',
      nonRetryable: false,
    });
  });
});

describe('removeCard', () => {
  test('names the card, why, and the site of the last call', async () => {
    const gateway = new ScriptedGateway();
    await rig.removeCard(gateway, 1);
    expect(gateway.cardRemovals).toMatchObject([
      { srcDigitalCardId: 'dig-2', reason: 'other', flowId: 'site-7' },
    ]);
  });

  test('heartbeats while it waits for the answer, and passes on that it is given up', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const environment = activityEnvironment();
    let heartbeats = 0;
    environment.on('heartbeat', () => (heartbeats += 1));
    const gateway = new ScriptedGateway();
    const deleteCard = vi.spyOn(gateway, 'deleteCard').mockImplementation(() => {
      vi.advanceTimersByTime(6_000);
      return Promise.resolve('removed');
    });
    await rig.removeCard(gateway, 0, environment);
    expect(heartbeats).toBe(3);
    expect(deleteCard).toHaveBeenCalledWith(expect.anything(), {
      signal: environment.context.cancellationSignal,
    });
  });

  test('makes each attempt, of each card, under a correlation id of its own', async () => {
    const gateway = new ScriptedGateway();
    for (const activityId of ['7', '8'])
      for (const attempt of [1, 2])
        await rig.removeCard(gateway, 0, activityEnvironment({ activityId, attempt }));
    expect(new Set(gateway.cardRemovals.map(({ correlationId }) => correlationId)).size).toBe(4);
  });

  test('asks a person, and not Mastercard, about a card without an id to remove it by', async () => {
    await rig.close();
    rig = await RemovalRig.create([enrolled(1, { srcDigitalCardId: undefined })]);
    const gateway = new ScriptedGateway();
    expect(await rig.removeCard(gateway, 0)).toEqual({
      kind: 'failed',
      message: expect.stringMatching(/gave no srcDigitalCardId.*ask Mastercard to remove it/) as string,
    });
    expect(gateway.cardRemovals).toEqual([]);
  });

  test('makes no call for a card that is out already, or never was in, and says how it came out', async () => {
    await rig.close();
    const declined = enrolled(3, { status: 'FAILED', reason: 'INVALID_PAN', srcDigitalCardId: undefined });
    rig = await RemovalRig.create([enrolled(1), enrolled(2), declined]);
    await rig.record({ cards: { 0: { kind: 'removed' }, 1: { kind: 'absent' } } });
    const gateway = new ScriptedGateway();
    const answers = await Promise.all([0, 1, 2].map((card) => rig.removeCard(gateway, card)));
    expect(answers.map(({ kind }) => kind)).toEqual(['removed', 'absent', 'absent']);
    expect(gateway.cardRemovals).toEqual([]);
  });
});

describe('removeProfile', () => {
  test('names the consumer of the card, and the site of the last call', async () => {
    const gateway = new ScriptedGateway();
    await rig.removeProfile(gateway, 1);
    expect(gateway.profileRemovals).toMatchObject([{ srcConsumerId: 'src-2', flowId: 'site-7' }]);
  });

  test('leaves a profile that has cards of other batches, and that is no failure', async () => {
    const hasCards = failure('refused', 'INVALID_STATE');
    expect(await calls.removeProfile!(rig, hasCards)).toEqual({ kind: 'inUse' });
  });
});
