import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
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

const [passing = ''] = batchEnroll.errors.passing;
const { completedWithErrors, inProgress } = BatchStatusValue;
const notFound = new GatewayFailure({ operation: 'fetchBatchStatus', kind: 'notFound', httpStatus: 404 });
const lost = new GatewayFailure({ operation: 'submitBatch', kind: 'unknown', httpStatus: 504 });
const refused = (httpStatus: number) =>
  new GatewayFailure({ operation: 'submitBatch', kind: 'refused', httpStatus, reason: 'INVALID_STATE' });

/** The first round enrolls one card of two and fails the other for a passing reason; the test says what becomes of the second. */
async function withSecondRound(
  second: Pick<ConstructorParameters<typeof ScriptedGateway>[0] & object, 'submit' | 'status'>,
  act: (batch: EnrollmentBatch) => Promise<unknown>,
) {
  const id = rig.nextBatchId('all-or-nothing');
  const first = report(id, completedWithErrors, [
    success('cust-1', 'card-100'),
    declined('cust-2', 'card-200', passing),
  ]);
  const gateway = new ScriptedGateway({
    submit: [{ batchId: 'mc-1' }, ...(second.submit ?? [{ batchId: 'mc-2' }])],
    status: [first, ...(second.status ?? [report(`${id}~2`, inProgress)])],
  });
  return rig.running(gateway, async (client) => {
    const batch = await client.enroll({
      externalBatchId: id,
      program: PROGRAM,
      records: testRecords(2),
      policy: {
        onPartialFailure: 'rollback',
        retryFailedRecords: { maxRounds: 2, delay: '1h' },
        submission: { deadline: '2h' },
        polling: { initial: '1h', maximum: '1h', deadline: '2h' },
      },
    });
    await rig.env.sleep('2 days');
    await act(batch);
    return { gateway, result: await batch.result(), outcomes: await batch.outcomes() };
  });
}

const asked = (batch: EnrollmentBatch, question: string) =>
  until(async () => (await batch.progress()).question === question);

describe('all or nothing: a second round of which nobody learns the end asks an operator before the batch closes, and then removes what the first enrolled', () => {
  test('when it is never terminal', async () => {
    const { result, outcomes, gateway } = await withSecondRound({}, async (batch) => {
      await asked(batch, 'moreTime');
      await batch.extendDeadline({ abandon: true });
    });
    expect(result).toMatchObject({
      status: 'EXPIRED',
      failure: 'PollingDeadlineExceeded',
      counts: { enrolled: 0, rolledBack: 1, unreported: 1 },
    });
    expect(gateway.cardRemovals).toHaveLength(1);
    expect(outcomes[1]).toMatchObject({
      status: 'UNREPORTED',
      round: 2,
      details: [{ code: 'MAY_BE_ENROLLED' }],
    });
  });

  test('when Mastercard does not know its batchId', async () => {
    const { result } = await withSecondRound({ status: [notFound] }, async (batch) => {
      await asked(batch, 'batchId');
      await batch.resolve({ abandon: true });
    });
    expect(result).toMatchObject({
      status: 'FAILED',
      failure: 'SubmissionUnresolved',
      counts: { enrolled: 0, rolledBack: 1, unreported: 1 },
    });
  });

  test('when its answer was lost, and Mastercard refuses it then', async () => {
    const { result } = await withSecondRound({ submit: [lost, refused(400)] }, async (batch) => {
      await asked(batch, 'batchId');
      await batch.resolve({ abandon: true });
    });
    expect(result).toMatchObject({ counts: { enrolled: 0, rolledBack: 1, unreported: 1 } });
  });

  test('and not when Mastercard did not take it: then nothing is unsettled', async () => {
    const { result, outcomes } = await withSecondRound({ submit: [refused(400)] }, () => Promise.resolve());
    expect(result).toMatchObject({
      status: 'ROLLED_BACK',
      counts: { enrolled: 0, rolledBack: 1, failed: 1 },
    });
    expect(outcomes[1]).toMatchObject({ status: 'FAILED', round: 1 });
  });
});
