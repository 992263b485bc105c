import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import type { PolicyInput } from '../../enrollment/policy-schema.js';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import { GatewayFailure } from '../../mastercard/errors.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { declined, report, ScriptedGateway, success } from '../support/scripted-gateway.js';
import { until } from '../support/until.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const { completed, completedWithErrors, inProgress } = BatchStatusValue;
const [passing = ''] = batchEnroll.errors.passing;

type Script = ConstructorParameters<typeof ScriptedGateway>[0];

async function run(
  script: (id: string) => Script,
  policy: PolicyInput,
  act: (batch: EnrollmentBatch, gateway: ScriptedGateway) => Promise<unknown>,
) {
  const id = rig.nextBatchId('waits');
  const gateway = new ScriptedGateway(script(id));
  return rig.running(gateway, async (client) => {
    const before = await rig.env.currentTimeMs();
    const batch = await client.enroll({
      externalBatchId: id,
      program: PROGRAM,
      records: testRecords(2),
      policy,
    });
    await act(batch, gateway);
    const result = await batch.result();
    const { closeTime } = await rig.workflow(id).describe();
    return { id, gateway, result, elapsed: closeTime!.getTime() - before };
  });
}

const all = (id: string) =>
  report(id, completed, [success('cust-1', 'card-100'), success('cust-2', 'card-200')]);
const half = (id: string) =>
  report(id, completedWithErrors, [success('cust-1', 'card-100'), declined('cust-2', 'card-200', passing)]);
const busy = new GatewayFailure({ operation: 'submitBatch', kind: 'notAccepted', httpStatus: 503 });

describe('a change of the policy that was accepted takes effect on a wait that is on', () => {
  test('between two offers', async () => {
    const { elapsed } = await run(
      (id) => ({ submit: [busy, { batchId: 'mc-1' }], status: [all(id)] }),
      { submission: { initial: '7d', maximum: '7d', deadline: '30d' } },
      async (batch) => {
        await until(async () => (await batch.progress()).submission?.nextAttemptAt !== undefined);
        await batch.updatePolicy({ submission: { initial: '1m', maximum: '1m' } });
      },
    );
    expect(elapsed).toBeLessThan(HOUR);
  });

  test('between two rounds', async () => {
    const { elapsed, gateway } = await run(
      (id) => ({
        status: [() => half(id), () => report(`${id}~2`, completed, [success('cust-2', 'card-200')])],
      }),
      { retryFailedRecords: { maxRounds: 2, delay: '7d' } },
      async (batch) => {
        await until(async () => (await batch.progress()).nextPollAt !== undefined);
        await batch.pollNow();
        await until(async () => (await batch.progress()).nextRoundAt !== undefined);
        await batch.updatePolicy({ retryFailedRecords: { delay: '1m' } });
      },
    );
    expect(gateway.submissions).toHaveLength(2);
    expect(elapsed).toBeLessThan(HOUR);
  });
});

test('a Retry-After beyond the submission deadline is waited out to the deadline, at which a last offer is made', async () => {
  const later = new GatewayFailure({
    operation: 'submitBatch',
    kind: 'notAccepted',
    httpStatus: 503,
    retryAfterMs: DAY,
  });
  const { gateway, result, elapsed } = await run(
    (id) => ({ submit: [later, { batchId: 'mc-1' }], status: [all(id)] }),
    { submission: { deadline: '6h' } },
    () => Promise.resolve(),
  );
  expect(result.status).toBe('COMPLETED');
  expect(gateway.submissions).toHaveLength(2);
  expect(elapsed).toBeGreaterThanOrEqual(6 * HOUR);
  expect(elapsed).toBeLessThan(7 * HOUR);
});

test('the extended polling deadline of a round does not hold for the next', async () => {
  const { result } = await run(
    (id) => ({
      status: [({ batchId }) => (batchId === 'mc-2' ? report(`${id}~2`, inProgress) : half(id))],
      submit: [({ externalBatchId }) => ({ batchId: externalBatchId === id ? 'mc-1' : 'mc-2' })],
    }),
    {
      polling: { initial: '1h', maximum: '1h', deadline: '2h' },
      retryFailedRecords: { maxRounds: 2, delay: '1h' },
    },
    async (batch) => {
      await until(async () => (await batch.progress()).nextPollAt !== undefined);
      await batch.extendDeadline({ until: new Date((await rig.env.currentTimeMs()) + 100 * DAY) });
    },
  );
  expect(result).toMatchObject({ status: 'EXPIRED', counts: { enrolled: 1, unreported: 1 } });
});

test('a batch cancelled between two rounds says so, and removes what the first enrolled', async () => {
  const { result } = await run(
    (id) => ({ status: [half(id)] }),
    { retryFailedRecords: { maxRounds: 2, delay: '30d' } },
    async (batch) => {
      await until(async () => (await batch.progress()).nextPollAt !== undefined);
      await batch.pollNow();
      await until(async () => (await batch.progress()).nextRoundAt !== undefined);
      await batch.cancel();
    },
  );
  expect(result).toMatchObject({
    status: 'CANCELLED',
    batchIds: ['mc-1'],
    counts: { rolledBack: 1, failed: 1 },
  });
  expect(result.reasons).toContain('cancelled between round 1 and round 2');
});

test('a batch that waits a year for an operator goes on afterwards', async () => {
  const duplicate = new GatewayFailure({ operation: 'submitBatch', kind: 'duplicate', httpStatus: 409 });
  const { result, id } = await run(
    (own) => ({ submit: [duplicate], status: [all(own)] }),
    {},
    async (batch) => {
      await until(async () => (await batch.progress()).status === 'AWAITING_OPERATOR');
      await rig.env.sleep(365 * DAY);
      await batch.resolve({ batchId: 'mc-9' });
    },
  );
  expect(result).toMatchObject({ status: 'COMPLETED', batchIds: ['mc-9'] });
  for (const { events } of await rig.histories(id)) expect(events!.length).toBeLessThan(100);
});
