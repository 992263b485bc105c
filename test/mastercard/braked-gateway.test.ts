import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Brake } from '../../mastercard/brake.js';
import { brakedGateway } from '../../mastercard/braked-gateway.js';
import { GatewayFailure, type FailureFacts } from '../../mastercard/errors.js';
import type { CallOptions, EnrollmentGateway } from '../../mastercard/gateway.js';
import type { CompactJwe } from '../../mastercard/jwe.js';
import { ScriptedGateway, report } from '../support/scripted-gateway.js';

beforeEach(() => void vi.useFakeTimers().setTimerTickMode('nextTimerAsync'));
afterEach(() => void vi.useRealTimers());

const correlationId = '00000000-0000-4000-8000-000000000000';
const submission = { externalBatchId: 'batch-1', enrollmentData: 'a.b.c.d.e' as CompactJwe, correlationId };

const calls: Record<string, (gateway: EnrollmentGateway, options?: CallOptions) => Promise<unknown>> = {
  submitBatch: (gateway, options) => gateway.submitBatch(submission, options),
  fetchBatchStatus: (gateway, options) =>
    gateway.fetchBatchStatus({ batchId: 'mc-1', correlationId }, options),
  deleteCard: (gateway, options) =>
    gateway.deleteCard({ srcDigitalCardId: 'dig-1', reason: 'other', correlationId }, options),
  deleteProfile: (gateway, options) =>
    gateway.deleteProfile({ srcConsumerId: 'src-1', correlationId }, options),
};

function tooMany(facts: Partial<FailureFacts> = {}): GatewayFailure {
  return new GatewayFailure({
    kind: 'notAccepted',
    operation: 'submitBatch',
    httpStatus: 429,
    ...facts,
  });
}

/** A Mastercard that finds the first submission too much, and takes everything after that. */
function braked(first: GatewayFailure) {
  const scripted = new ScriptedGateway({
    submit: [first, { batchId: 'mc-1' }],
    status: [report('batch-1', 'IN_PROGRESS')],
  });
  const sent = () =>
    scripted.submissions.length +
    scripted.polls.length +
    scripted.cardRemovals.length +
    scripted.profileRemovals.length;
  return { gateway: brakedGateway(scripted, new Brake({ requestsPerSecond: 10 })), sent };
}

describe.each(Object.entries(calls))('%s', (operation, call) => {
  test('is sent when it is its turn, and answered as it was', async () => {
    const { gateway, sent } = braked(tooMany());
    const before = performance.now();
    await expect(gateway.submitBatch(submission)).rejects.toMatchObject({ httpStatus: 429 });
    expect(await call(gateway)).toBeTruthy();
    expect(sent()).toBe(2);
    expect(performance.now() - before).toBeGreaterThanOrEqual(2_000);
  });

  test('is not sent while Mastercard has the program slow down, and fails as if not accepted', async () => {
    const { gateway, sent } = braked(tooMany({ retryAfterMs: 30_000 }));
    await expect(gateway.submitBatch(submission)).rejects.toMatchObject({ retryAfterMs: 30_000 });
    const failures = await Promise.all([1, 2].map(() => call(gateway).catch((error: unknown) => error)));
    expect(failures).toMatchObject([
      { kind: 'notAccepted', operation, reason: 'SLOWED_DOWN', retryAfterMs: 30_000 },
      { kind: 'notAccepted', operation, reason: 'SLOWED_DOWN', retryAfterMs: 30_200 },
    ]);
    expect(failures).toMatchObject([{ isThrottled: false }, { isThrottled: false }]);
    expect(sent()).toBe(1);
  });

  test('that is given up while it waits was not sent', async () => {
    const { gateway, sent } = braked(tooMany({ retryAfterMs: 5_000 }));
    await expect(gateway.submitBatch(submission)).rejects.toBeInstanceOf(GatewayFailure);
    const given = new AbortController();
    setTimeout(() => given.abort(), 1_000);
    await expect(call(gateway, { signal: given.signal })).rejects.toMatchObject({
      kind: 'notSent',
      operation,
    });
    expect(sent()).toBe(1);
  });
});

test.each([
  ['a 429, whatever it says', tooMany({ reason: 'QUOTA' }), true],
  [
    'RESOURCE_EXHAUSTED under another status',
    tooMany({ httpStatus: 400, reason: 'RESOURCE_EXHAUSTED', isThrottled: true }),
    true,
  ],
  ['an outage', tooMany({ httpStatus: 503, reason: 'UNAVAILABLE', retryAfterMs: 60_000 }), false],
  ['a lost answer', tooMany({ kind: 'unknown', httpStatus: 504 }), false],
])('%s slows the program: %3$s', async (_, failure, slows) => {
  const { gateway } = braked(failure);
  const before = performance.now();
  await expect(gateway.submitBatch(submission)).rejects.toBe(failure);
  await gateway.submitBatch(submission);
  expect(performance.now() - before >= 2_000).toBe(slows);
});

test('closing it closes the connections', async () => {
  const scripted = new ScriptedGateway();
  const close = vi.spyOn(scripted, 'close');
  await brakedGateway(scripted, new Brake({ requestsPerSecond: 10 })).close();
  expect(close).toHaveBeenCalledTimes(1);
});
