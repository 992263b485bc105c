import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import { GatewayFailure } from '../../mastercard/errors.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { testRecords } from '../support/records.js';
import { report, ScriptedGateway, success } from '../support/scripted-gateway.js';
import { until } from '../support/until.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

const { completed, inProgress } = BatchStatusValue;
const notFound = new GatewayFailure({ operation: 'fetchBatchStatus', kind: 'notFound', httpStatus: 404 });

function enrollment(externalBatchId: string, policy = {}) {
  return { externalBatchId, program: PROGRAM, records: testRecords(1), policy };
}

test('a status that is never terminal fails the batch with PollingDeadlineExceeded once the deadline has passed', async () => {
  const id = rig.nextBatchId();
  const gateway = new ScriptedGateway({ status: [report(id, inProgress)] });
  const { batch, elapsedMs } = await rig.running(gateway, async (client) => {
    const before = await rig.env.currentTimeMs();
    const batch = await client.enroll(enrollment(id, { polling: { deadline: '12h' } }));
    await batch.result();
    return { batch, elapsedMs: (await rig.env.currentTimeMs()) - before };
  });

  expect(await batch.result()).toMatchObject({
    status: 'EXPIRED',
    failure: 'PollingDeadlineExceeded',
    batchIds: ['mc-1'],
    counts: { unreported: 1 },
  });
  await expect(rig.workflow(id).result()).rejects.toMatchObject({
    cause: { type: 'PollingDeadlineExceeded' },
  });
  expect(elapsedMs).toBeGreaterThanOrEqual(12 * 3_600_000);
  // 12 h at a quarter of an hour each, and a few shorter waits at the start.
  expect(gateway.polls.length).toBeGreaterThan(45);
  expect(gateway.polls.length).toBeLessThan(75);
});

test('a status that nobody knows is polled on, and shown as Mastercard wrote it', async () => {
  const id = rig.nextBatchId();
  let shown: unknown;
  const gateway = new ScriptedGateway({
    status: [
      report(id, 'PARKED_FOR_REVIEW'),
      async () => {
        shown = await rig.workflow(id).query('progress');
        return report(id, completed, [success('cust-1', 'card-100')]);
      },
    ],
  });
  const result = await rig.running(gateway, async (client) => (await client.enroll(enrollment(id))).result());

  expect(result.status).toBe('COMPLETED');
  expect(shown).toMatchObject({
    status: 'PROCESSING',
    polling: { polls: 1, lastStatus: 'PARKED_FOR_REVIEW', lastStatusUnknown: true },
  });
});

test('an outage of Mastercard that lasts to the deadline expires the batch', async () => {
  const id = rig.nextBatchId();
  const down = new GatewayFailure({ operation: 'fetchBatchStatus', kind: 'notAccepted', httpStatus: 503 });
  const gateway = new ScriptedGateway({ status: [down] });
  const policy = { polling: { deadline: '2h' } };
  const result = await rig.running(gateway, async (client) =>
    (await client.enroll(enrollment(id, policy))).result(),
  );

  expect(result).toMatchObject({ status: 'EXPIRED', failure: 'PollingDeadlineExceeded', batchIds: ['mc-1'] });
});

describe('a batchId that Mastercard does not know', () => {
  test('is asked for again right after the submission', async () => {
    const id = rig.nextBatchId();
    const gateway = new ScriptedGateway({
      status: [notFound, notFound, report(id, completed, [success('cust-1', 'card-100')])],
    });
    const result = await rig.running(gateway, async (client) =>
      (await client.enroll(enrollment(id))).result(),
    );

    expect(result.status).toBe('COMPLETED');
  });

  test('fails the batch once that has lasted longer than a replica can be behind', async () => {
    const id = rig.nextBatchId();
    const gateway = new ScriptedGateway({ status: [notFound] });
    const result = await rig.running(gateway, async (client) =>
      (await client.enroll(enrollment(id))).result(),
    );

    expect(result).toMatchObject({ status: 'FAILED', failure: 'BatchFailed', counts: { unreported: 1 } });
  });
});

test('a status call that fails for a passing reason is repeated until it is answered', async () => {
  const id = rig.nextBatchId();
  const passing = new GatewayFailure({ operation: 'fetchBatchStatus', kind: 'unknown', httpStatus: 500 });
  const gateway = new ScriptedGateway({
    status: [passing, passing, report(id, completed, [success('cust-1', 'card-100')])],
  });
  const result = await rig.running(gateway, async (client) => (await client.enroll(enrollment(id))).result());

  expect(result.status).toBe('COMPLETED');
});

test('a status call refused with 401 does not give the batch up: the next poll finds the key mended', async () => {
  const id = rig.nextBatchId();
  const denied = new GatewayFailure({
    operation: 'fetchBatchStatus',
    kind: 'configuration',
    httpStatus: 401,
  });
  const gateway = new ScriptedGateway({
    status: [denied, report(id, completed, [success('cust-1', 'card-100')])],
  });
  const result = await rig.running(gateway, async (client) => (await client.enroll(enrollment(id))).result());

  expect(result.status).toBe('COMPLETED');
});

test('the flow id that Mastercard answers is sent back on the next call about the batch', async () => {
  const id = rig.nextBatchId();
  const gateway = new ScriptedGateway({
    submit: [{ batchId: 'mc-1', flowId: 'flow-1' }],
    status: [
      { ...report(id, inProgress), flowId: 'flow-2' },
      report(id, completed, [success('cust-1', 'card-100')]),
    ],
  });
  await rig.running(gateway, async (client) => (await client.enroll(enrollment(id))).result());

  expect(gateway.polls.map((poll) => poll.flowId)).toEqual(['flow-1', 'flow-2']);
});

test('pollNow asks at once instead of at the next scheduled time', async () => {
  const id = rig.nextBatchId();
  const gateway = new ScriptedGateway({
    status: [report(id, inProgress), report(id, completed, [success('cust-1', 'card-100')])],
  });
  const slow = { polling: { initial: '24h', maximum: '24h', jitter: 0 } };
  const elapsedMs = await rig.running(gateway, async (client) => {
    const batch = await client.enroll(enrollment(id, slow));
    const before = await rig.env.currentTimeMs();
    for (let polls = 0; polls < 2; polls += 1) {
      await until(async () => (await batch.progress()).nextPollAt !== undefined);
      await batch.pollNow();
      await until(() => Promise.resolve(gateway.polls.length > polls));
    }
    // Waiting for the result lets time run on, so the time is taken before.
    const after = await rig.env.currentTimeMs();
    await batch.result();
    return after - before;
  });

  expect(elapsedMs).toBeLessThan(3_600_000);
});
