import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import { ResolutionRefusedError } from '../../client/errors.js';
import type { BatchResult } from '../../enrollment/batch.js';
import { Blob } from '../../enrollment/blobs.js';
import type { PolicyInput } from '../../enrollment/policy-schema.js';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import { GatewayFailure, type FailureFacts } from '../../mastercard/errors.js';
import type { BatchReport, StatusRequest, SubmissionReceipt } from '../../mastercard/gateway.js';
import { putJson } from '../../store/store.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { report, ScriptedGateway, success } from '../support/scripted-gateway.js';
import { until } from '../support/until.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

const DAY = 24 * 3_600_000;

function refusal(facts: Omit<FailureFacts, 'operation'>): GatewayFailure {
  return new GatewayFailure({ operation: 'submitBatch', ...facts });
}

const lost = refusal({ kind: 'unknown', httpStatus: 504 });
const duplicate = refusal({ kind: 'duplicate', httpStatus: 409, reason: 'ALREADY_EXISTS' });

/** Lets a batch come to where it waits for an operator, and lets the operator act. */
async function withOperator(
  submit: (SubmissionReceipt | GatewayFailure)[],
  act: (batch: EnrollmentBatch) => Promise<void>,
  options: { policy?: PolicyInput; status?: (request: StatusRequest) => BatchReport; id?: string } = {},
): Promise<{ result: BatchResult; batch: EnrollmentBatch; gateway: ScriptedGateway }> {
  const { id = rig.nextBatchId('operator') } = options;
  const ours = (): BatchReport => report(id, BatchStatusValue.completed, [success('cust-1', 'card-100')]);
  const gateway = new ScriptedGateway({ submit, status: [options.status ?? ours] });
  return rig.running(gateway, async (client) => {
    const batch = await client.enroll({
      externalBatchId: id,
      program: PROGRAM,
      records: testRecords(1),
      policy: options.policy,
    });
    await until(async () => (await batch.progress()).status === 'AWAITING_OPERATOR');
    await act(batch);
    return { result: await batch.result(), batch, gateway };
  });
}

describe('a batch that Mastercard has under an unknown batchId waits for an operator', () => {
  test('and goes on with the batchId that the operator gives', async () => {
    const { result } = await withOperator([duplicate], (batch) => batch.resolve({ batchId: 'mc-9' }));

    expect(result).toMatchObject({ status: 'COMPLETED', batchIds: ['mc-9'], counts: { enrolled: 1 } });
  });

  test('and believes the operator also where it was cancelled before it asked', async () => {
    const id = rig.nextBatchId('operator');
    const gateway = new ScriptedGateway({
      submit: [lost, duplicate],
      status: [() => report(id, BatchStatusValue.completed, [success('cust-1', 'card-100')])],
    });
    const result = await rig.running(gateway, async (client) => {
      const records = testRecords(1);
      const batch = await client.enroll({ externalBatchId: id, program: PROGRAM, records });
      await until(async () => (await batch.progress()).submission?.nextAttemptAt !== undefined);
      await batch.cancel();
      await rig.env.sleep(60_000);
      await until(async () => (await batch.progress()).status === 'AWAITING_OPERATOR');
      await batch.resolve({ batchId: 'mc-9' });
      return batch.result();
    });

    expect(result).toMatchObject({ status: 'CANCELLED', batchIds: ['mc-9'], counts: { rolledBack: 1 } });
  });

  test('and is sent, once, where another workflow offered it and the operator has it sent again', async () => {
    const id = rig.nextBatchId('operator');
    const mark = { chain: 'another', offeredAt: '2026-11-01T00:00:00.000Z' };
    await putJson(rig.store, { program: PROGRAM, externalBatchId: id }, Blob.offered(1), mark);
    const accepted = { batchId: 'mc-1' };
    const { result, gateway } = await withOperator([accepted], (batch) => batch.resolve({ resend: true }), {
      id,
    });

    expect(result.status).toBe('COMPLETED');
    expect(gateway.submissions).toHaveLength(1);
  });

  test('and says in its progress what is unknown', async () => {
    let shown: unknown;
    await withOperator([duplicate], async (batch) => {
      shown = await batch.progress();
      await batch.resolve({ abandon: true });
    });

    expect(shown).toMatchObject({
      status: 'AWAITING_OPERATOR',
      error: 'Mastercard has accepted this externalBatchId before and does not say as which batchId',
    });
  });

  test('and ends FAILED with SubmissionUnresolved, its card UNREPORTED, when the operator gives it up', async () => {
    const { result, batch } = await withOperator([duplicate], (batch) => batch.resolve({ abandon: true }));

    expect(result).toMatchObject({
      status: 'FAILED',
      failure: 'SubmissionUnresolved',
      counts: { unreported: 1 },
    });
    expect(result.reasons[0]).toContain('an operator abandoned the batch');
    expect(await rig.blobs(batch.externalBatchId)).toEqual(['closed', 'offered-1', 'outcomes']);
  });

  test('for months if need be', async () => {
    const { result } = await withOperator([duplicate], async (batch) => {
      await rig.env.sleep(90 * DAY);
      await batch.resolve({ batchId: 'mc-9' });
    });

    expect(result.status).toBe('COMPLETED');
    const description = await rig.workflow(result.externalBatchId).describe();
    expect(description.historyLength).toBeLessThan(100);
  });

  test('and can be cancelled meanwhile', async () => {
    const { result } = await withOperator([duplicate], (batch) => batch.cancel());

    expect(result).toMatchObject({ status: 'CANCELLED', counts: { unreported: 1 } });
  });
});

describe('a batchId that an operator gives', () => {
  test('is refused when it belongs to another externalBatchId, and the batch goes on waiting', async () => {
    const ids = ['mc-wrong', 'mc-right'];
    const { result } = await withOperator(
      [duplicate],
      async (batch) => {
        await expect(batch.resolve({ batchId: 'mc-wrong' })).rejects.toThrow(ResolutionRefusedError);
        await expect(batch.resolve({ batchId: 'mc-wrong' })).rejects.toThrow(
          /belongs to another externalBatchId/,
        );
        ids.push(batch.externalBatchId);
        await batch.resolve({ batchId: 'mc-right' });
      },
      {
        status: ({ batchId }) =>
          batchId === 'mc-right'
            ? report(ids[2]!, BatchStatusValue.completed, [success('cust-1', 'card-100')])
            : report('another', BatchStatusValue.completed),
      },
    );

    expect(result).toMatchObject({ status: 'COMPLETED', batchIds: ['mc-right'] });
  });

  test('is refused when Mastercard does not know it', async () => {
    const { result } = await withOperator(
      [duplicate],
      async (batch) => {
        await expect(batch.resolve({ batchId: 'mc-9' })).rejects.toThrow(/does not know batchId mc-9/);
        await batch.resolve({ abandon: true });
      },
      {
        status: () => {
          throw new GatewayFailure({ operation: 'fetchBatchStatus', kind: 'notFound', httpStatus: 404 });
        },
      },
    );

    expect(result.status).toBe('FAILED');
  });

  test('is refused for now while Mastercard cannot be asked', async () => {
    const { result } = await withOperator(
      [duplicate],
      async (batch) => {
        await expect(batch.resolve({ batchId: 'mc-9' })).rejects.toThrow(/could not be asked/);
        await batch.resolve({ abandon: true });
      },
      {
        status: () => {
          throw new GatewayFailure({
            operation: 'fetchBatchStatus',
            kind: 'notAccepted',
            httpStatus: 503,
            retryAfterMs: 3_600_000,
          });
        },
      },
    );

    expect(result).toMatchObject({ status: 'FAILED', failure: 'SubmissionUnresolved' });
  });

  test('is refused unread when it cannot be one', async () => {
    await withOperator([duplicate], async (batch) => {
      await expect(batch.resolve({ batchId: 'two words' })).rejects.toThrow(/give either/);
      await batch.resolve({ abandon: true });
    });
  });

  test('is refused when the batch does not wait for anybody', async () => {
    const id = rig.nextBatchId('operator');
    const gateway = new ScriptedGateway({
      status: [
        async () => {
          await expect(rig.client().batch(id).resolve({ abandon: true })).rejects.toThrow(/does not wait/);
          return report(id, BatchStatusValue.completed, [success('cust-1', 'card-100')]);
        },
      ],
    });
    const result = await rig.running(gateway, async (client) =>
      (await client.enroll({ externalBatchId: id, program: PROGRAM, records: testRecords(1) })).result(),
    );

    expect(result.status).toBe('COMPLETED');
  });
});

describe('an operator is asked', () => {
  test('after the first attempt whose fate is unknown when the policy is askOperator', async () => {
    const { gateway, result } = await withOperator([lost], (batch) => batch.resolve({ batchId: 'mc-9' }), {
      policy: { uncertainSubmission: 'askOperator' },
    });

    expect(gateway.submissions).toHaveLength(1);
    expect(result).toMatchObject({ status: 'COMPLETED', batchIds: ['mc-9'] });
  });

  test('when the repeated submission is refused: the first may have been accepted', async () => {
    const refused = refusal({ kind: 'refused', httpStatus: 400, reason: 'INVALID_STATE' });
    const { result } = await withOperator([lost, refused], (batch) => batch.resolve({ abandon: true }));

    expect(result).toMatchObject({ status: 'FAILED', failure: 'SubmissionUnresolved' });
  });

  test('when nothing settles the submission before its deadline', async () => {
    const { result } = await withOperator([lost], (batch) => batch.resolve({ batchId: 'mc-9' }), {
      policy: { submission: { deadline: '6s' } },
    });

    expect(result.status).toBe('COMPLETED');
  });

  test('when the batchId that Mastercard named for a duplicate turns out to be of another batch', async () => {
    const named = refusal({
      kind: 'duplicate',
      httpStatus: 409,
      reason: 'ALREADY_EXISTS',
      batchId: 'mc-foreign',
    });
    const own: { id?: string } = {};
    const { result } = await withOperator(
      [named],
      async (batch) => {
        own.id = batch.externalBatchId;
        await batch.resolve({ batchId: 'mc-9' });
      },
      {
        policy: { polling: { initial: '1s' } },
        status: ({ batchId }) =>
          batchId === 'mc-9'
            ? report(own.id!, BatchStatusValue.completed, [success('cust-1', 'card-100')])
            : report('another', BatchStatusValue.completed),
      },
    );

    expect(result).toMatchObject({ status: 'COMPLETED', batchIds: ['mc-foreign', 'mc-9'] });
  });
});
