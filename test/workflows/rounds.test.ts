import { afterAll, beforeAll, expect, test } from 'vitest';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import { GatewayFailure } from '../../mastercard/errors.js';
import type {
  BatchReport,
  BatchSubmission,
  StatusRequest,
  SubmissionReceipt,
} from '../../mastercard/gateway.js';
import { testRecord, testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { declined, report, ScriptedGateway, success } from '../support/scripted-gateway.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

const { completed, completedWithErrors } = BatchStatusValue;
const passing = 'NO_RESPONSE_FROM_ISSUER';
const policy = { retryFailedRecords: { maxRounds: 3, delay: '2h' } };

/** Mastercard's batchId says which round it is. */
function accepting({ externalBatchId }: BatchSubmission): SubmissionReceipt {
  return { batchId: `mc-${externalBatchId}` };
}

/** Answers each round as written down. */
function answering(rounds: BatchReport['cards'][]) {
  return ({ batchId }: StatusRequest): BatchReport => {
    const externalBatchId = batchId.slice('mc-'.length);
    const round = Number(externalBatchId.split('~')[1] ?? 1);
    const cards = rounds[round - 1]!;
    const failed = cards.some(({ result }) => result === 'failed');
    return report(externalBatchId, failed ? completedWithErrors : completed, cards);
  };
}

test('a card that failed for a passing reason is sent again, alone and under ~2, and its outcome names the round', async () => {
  const id = rig.nextBatchId('rounds');
  const gateway = new ScriptedGateway({
    submit: [accepting],
    status: [
      answering([
        [
          success('cust-1', 'card-100'),
          declined('cust-2', 'card-200', passing),
          declined('cust-3', 'card-300', 'INVALID_PAN'),
        ],
        [success('cust-2', 'card-200')],
      ]),
    ],
  });
  const { result, outcomes, elapsedMs } = await rig.running(gateway, async (client) => {
    const before = await rig.env.currentTimeMs();
    const batch = await client.enroll({
      externalBatchId: id,
      program: PROGRAM,
      records: testRecords(3),
      policy,
    });
    const result = await batch.result();
    const elapsedMs = (await rig.env.currentTimeMs()) - before;
    return { result, outcomes: await batch.outcomes(), elapsedMs };
  });

  expect(result).toMatchObject({
    status: 'COMPLETED_WITH_ERRORS',
    batchIds: [`mc-${id}`, `mc-${id}~2`],
    counts: { cards: 3, enrolled: 2, failed: 1, pending: 0 },
  });
  expect(outcomes).toEqual([
    expect.objectContaining({ externalCardId: 'card-100', status: 'ENROLLED', round: 1 }),
    expect.objectContaining({ externalCardId: 'card-200', status: 'ENROLLED', round: 2 }),
    expect.objectContaining({
      externalCardId: 'card-300',
      status: 'FAILED',
      round: 1,
      reason: 'INVALID_PAN',
    }),
  ]);
  expect(gateway.submissions.map(({ externalBatchId }) => externalBatchId)).toEqual([id, `${id}~2`]);
  expect(gateway.submissions[1]!.sha256).not.toBe(gateway.submissions[0]!.sha256);
  expect(elapsedMs).toBeGreaterThanOrEqual(2 * 3_600_000);
  expect(await rig.blobs(id)).toEqual(['closed', 'offered-1', 'offered-2', 'outcomes']);
});

test('only the cards of a consumer that failed are sent again, not their other cards', async () => {
  const id = rig.nextBatchId('rounds');
  const gateway = new ScriptedGateway({
    submit: [accepting],
    status: [
      answering([
        [success('cust-1', 'card-100'), declined('cust-1', 'card-101', passing)],
        [success('cust-1', 'card-101')],
      ]),
    ],
  });
  const result = await rig.running(gateway, async (client) => {
    const batch = await client.enroll({
      externalBatchId: id,
      program: PROGRAM,
      records: [testRecord(1, 2)],
      policy,
    });
    return batch.result();
  });

  // Had card-100 been sent again, the answer of round 2 would have left it UNREPORTED.
  expect(result).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 2, unreported: 0 } });
});

test('rounds end at maxRounds, and the card keeps its last outcome', async () => {
  const id = rig.nextBatchId('rounds');
  const again = [declined('cust-1', 'card-100', passing)];
  const gateway = new ScriptedGateway({ submit: [accepting], status: [answering([again, again, again])] });
  const { result, outcomes } = await rig.running(gateway, async (client) => {
    const batch = await client.enroll({
      externalBatchId: id,
      program: PROGRAM,
      records: testRecords(1),
      policy,
    });
    return { result: await batch.result(), outcomes: await batch.outcomes() };
  });

  expect(result).toMatchObject({ status: 'COMPLETED_WITH_ERRORS', counts: { failed: 1 } });
  expect(outcomes).toMatchObject([{ status: 'FAILED', reason: passing, round: 3 }]);
  expect(gateway.submissions).toHaveLength(3);
});

test('nothing is sent twice by default', async () => {
  const id = rig.nextBatchId('rounds');
  const gateway = new ScriptedGateway({
    submit: [accepting],
    status: [answering([[declined('cust-1', 'card-100', passing)]])],
  });
  await rig.running(gateway, async (client) =>
    (await client.enroll({ externalBatchId: id, program: PROGRAM, records: testRecords(1) })).result(),
  );

  expect(gateway.submissions).toHaveLength(1);
});

test('a later round that Mastercard refuses leaves the outcomes of the one before', async () => {
  const id = rig.nextBatchId('rounds');
  const gateway = new ScriptedGateway({
    submit: [
      accepting,
      new GatewayFailure({
        operation: 'submitBatch',
        kind: 'refused',
        httpStatus: 400,
        reason: 'INVALID_STATE',
      }),
    ],
    status: [answering([[success('cust-1', 'card-100'), declined('cust-2', 'card-200', passing)]])],
  });
  const { result, outcomes } = await rig.running(gateway, async (client) => {
    const batch = await client.enroll({
      externalBatchId: id,
      program: PROGRAM,
      records: testRecords(2),
      policy,
    });
    return { result: await batch.result(), outcomes: await batch.outcomes() };
  });

  expect(result).toMatchObject({ status: 'COMPLETED_WITH_ERRORS', counts: { enrolled: 1, failed: 1 } });
  expect(result.reasons.at(-1)).toContain('round 2 was not taken');
  expect(outcomes[1]).toMatchObject({ status: 'FAILED', reason: passing, round: 1 });
});

test("a caller that Mastercard refuses in a later round is an operator's task, as in the first", async () => {
  const id = rig.nextBatchId('rounds');
  const gateway = new ScriptedGateway({
    submit: [
      accepting,
      new GatewayFailure({ operation: 'submitBatch', kind: 'configuration', httpStatus: 401 }),
    ],
    status: [answering([[success('cust-1', 'card-100'), declined('cust-2', 'card-200', passing)]])],
  });
  const { result, outcomes } = await rig.running(gateway, async (client) => {
    const records = testRecords(2);
    const batch = await client.enroll({ externalBatchId: id, program: PROGRAM, records, policy });
    return { result: await batch.result(), outcomes: await batch.outcomes() };
  });

  expect(result).toMatchObject({ status: 'FAILED', failure: 'ConfigurationInvalid' });
  expect(outcomes.map(({ status, round }) => [status, round])).toEqual([
    ['ENROLLED', 1],
    ['FAILED', 1],
  ]);
});

test('an operator who wants no further round while one is waited for has none', async () => {
  const id = rig.nextBatchId('rounds');
  const gateway = new ScriptedGateway({
    submit: [accepting],
    status: [answering([[success('cust-1', 'card-100'), declined('cust-2', 'card-200', passing)]])],
  });
  const result = await rig.running(gateway, async (client) => {
    const records = testRecords(2);
    const batch = await client.enroll({ externalBatchId: id, program: PROGRAM, records, policy });
    while ((await batch.progress()).nextRoundAt === undefined) await rig.env.sleep(10_000);
    await batch.updatePolicy({ retryFailedRecords: { maxRounds: 1 } });
    return batch.result();
  });

  expect(result).toMatchObject({ status: 'COMPLETED_WITH_ERRORS', counts: { enrolled: 1, failed: 1 } });
  expect(gateway.submissions).toHaveLength(1);
});

test('a later round of which nobody learns the end leaves its cards UNREPORTED: they may be enrolled by now', async () => {
  const id = rig.nextBatchId('rounds');
  const gateway = new ScriptedGateway({
    submit: [accepting],
    status: [
      (request) =>
        request.batchId.endsWith('~2')
          ? report(`${id}~2`, BatchStatusValue.inProgress)
          : answering([[success('cust-1', 'card-100'), declined('cust-2', 'card-200', passing)]])(request),
    ],
  });
  const { result, outcomes } = await rig.running(gateway, async (client) => {
    const batch = await client.enroll({
      externalBatchId: id,
      program: PROGRAM,
      records: testRecords(2),
      policy,
    });
    return { result: await batch.result(), outcomes: await batch.outcomes() };
  });

  expect(result).toMatchObject({ status: 'EXPIRED', counts: { enrolled: 1, unreported: 1, failed: 0 } });
  expect(outcomes[1]).toMatchObject({ status: 'UNREPORTED', reason: 'POLLING_DEADLINE_EXCEEDED', round: 2 });
});
