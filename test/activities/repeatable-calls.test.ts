import { CancelledFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RepeatableCalls } from '../../activities/repeatable-calls.js';
import { GatewayFailure, type FailureFacts, type FailureKind } from '../../mastercard/errors.js';

let environment: MockActivityEnvironment;
beforeEach(() => {
  // Time passes at once: whenever nothing else is to be done, the next timer is due.
  vi.useFakeTimers().setTimerTickMode('nextTimerAsync');
  environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
});
afterEach(() => {
  vi.useRealTimers();
});

function failure(kind: FailureKind, facts: Partial<FailureFacts> = {}): GatewayFailure {
  return new GatewayFailure({ kind, operation: 'deleteCard', ...facts });
}

/** Makes one call that is answered as written down, the last answer repeated. */
async function callAgainst(...answers: (string | GatewayFailure)[]) {
  const at: number[] = [];
  const correlationIds: string[] = [];
  const result = await environment.run(() =>
    new RepeatableCalls().make((correlationId) => {
      const answer = answers[Math.min(at.length, answers.length - 1)];
      at.push(performance.now());
      correlationIds.push(correlationId);
      return answer instanceof GatewayFailure ? Promise.reject(answer) : Promise.resolve(answer);
    }),
  );
  const waits = at.slice(1).map((time, n) => Math.round(time - (at[n] ?? 0)));
  return { result, waits, correlationIds };
}

describe('a call that is safe to repeat', () => {
  it('is made once when it is answered', async () => {
    const { result, waits } = await callAgainst('removed');
    expect(result).toBe('removed');
    expect(waits).toEqual([]);
  });

  it.each(['notSent', 'notAccepted', 'unknown'] as const)(
    'is repeated with growing waits after %s, under a correlation id of its own each time',
    async (kind) => {
      const { result, waits, correlationIds } = await callAgainst(failure(kind), failure(kind), 'removed');
      expect(result).toBe('removed');
      expect(waits).toEqual([1_000, 2_000]);
      expect(new Set(correlationIds).size).toBe(3);
    },
  );

  it('is given up after four attempts, with the last failure', async () => {
    const last = failure('unknown', { httpStatus: 504 });
    const { result, waits } = await callAgainst(
      failure('notSent'),
      failure('unknown'),
      failure('notSent'),
      last,
    );
    expect(result).toBe(last);
    expect(waits).toEqual([1_000, 2_000, 4_000]);
  });

  it('waits for as long as Mastercard asks, when that is longer', async () => {
    const { waits } = await callAgainst(
      failure('notAccepted', { retryAfterMs: 90_000 }),
      failure('notAccepted', { retryAfterMs: 500 }),
      'removed',
    );
    expect(waits).toEqual([90_000, 2_000]);
  });

  it.each(['refused', 'configuration', 'duplicate', 'notFound'] as const)(
    'is not repeated after %s',
    async (kind) => {
      const { result, waits } = await callAgainst(failure(kind));
      expect(result).toMatchObject({ kind });
      expect(waits).toEqual([]);
    },
  );

  it('waits for its turn, however long that takes', async () => {
    const options = await environment.run(() =>
      new RepeatableCalls().make((_, given) => Promise.resolve(given)),
    );
    expect(options).toMatchObject({ patienceMs: Infinity });
  });

  it('throws what is no failure of the gateway', async () => {
    const defect = new TypeError('a defect');
    const call = () => new RepeatableCalls().make(() => Promise.reject(defect));
    await expect(environment.run(call)).rejects.toBe(defect);
  });

  it('ends with the activity, in the middle of a wait too', async () => {
    const call = () =>
      new RepeatableCalls().make(() => {
        setTimeout(() => environment.cancel('WORKER_SHUTDOWN'), 60_000);
        return Promise.reject(failure('notAccepted', { retryAfterMs: 3_600_000 }));
      });
    await expect(environment.run(call)).rejects.toBeInstanceOf(CancelledFailure);
    expect(performance.now()).toBeLessThan(3_600_000);
  });

  it('does not count it as a failed call when the end of the activity cuts it short', async () => {
    const call = () =>
      new RepeatableCalls().make(() => {
        environment.cancel('WORKER_SHUTDOWN');
        return Promise.reject(failure('refused'));
      });
    await expect(environment.run(call)).rejects.toBeInstanceOf(CancelledFailure);
  });
});
