import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import { ChangeRefusedError } from '../../client/errors.js';
import type { BatchResult } from '../../enrollment/batch.js';
import type { PolicyOverrides } from '../../enrollment/policy.js';
import { PolicyError, type PolicyInput } from '../../enrollment/policy-schema.js';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import type { ReportedCard } from '../../enrollment/reconciliation.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import type { BatchReport } from '../../mastercard/gateway.js';
import { updatePolicyUpdate } from '../../workflows/batch/messages.js';
import { message } from '../support/message.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { declined, report, ScriptedGateway, success } from '../support/scripted-gateway.js';
import { until } from '../support/until.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

const [passingReason] = batchEnroll.errors.passing;

type Answer = (round: number, poll: number) => ReportedCard[] | 'processing';

const enrolled: Answer = () => [success('cust-1', 'card-100'), success('cust-2', 'card-200')];

/** A batch of two cards that waits a day for its first poll, unless somebody changes that. */
async function withBatch(
  act: (batch: EnrollmentBatch, gateway: ScriptedGateway) => Promise<unknown>,
  answer: Answer = enrolled,
): Promise<{ result: BatchResult; gateway: ScriptedGateway }> {
  const id = rig.nextBatchId('policy');
  const gateway: ScriptedGateway = new ScriptedGateway({
    status: [
      (): BatchReport => {
        const round = gateway.submissions.length;
        const roundId = round === 1 ? id : `${id}~${round}`;
        const records = answer(round, gateway.polls.length);
        return records === 'processing'
          ? report(roundId, BatchStatusValue.inProgress)
          : report(roundId, BatchStatusValue.completed, records);
      },
    ],
  });
  return rig.running(gateway, async (client) => {
    const batch = await client.enroll({
      externalBatchId: id,
      program: PROGRAM,
      records: testRecords(2),
      policy: { polling: { initial: '1d', maximum: '1d', deadline: '2d' } },
    });
    await until(async () => (await batch.progress()).nextPollAt !== undefined);
    await act(batch, gateway);
    return { result: await batch.result(), gateway };
  });
}

describe('a change of the policy of a batch that runs', () => {
  test('is seen in its progress, and polls at once', async () => {
    await withBatch(
      async (batch, { polls }) => {
        await batch.updatePolicy({ polling: { initial: '10m' }, onCancel: 'leave' });
        // Time does not skip here, so this is not the poll of the day after.
        await until(() => Promise.resolve(polls.length === 1));
        expect(await batch.progress()).toMatchObject({
          policy: {
            onCancel: 'leave',
            onPartialFailure: 'keep',
            polling: { initial: 600_000, deadline: 172_800_000 },
          },
          changes: [expect.stringMatching(/^onCancel=leave, polling\.initial=600000 \(/) as string],
        });
      },
      (_, poll) => (poll === 1 ? 'processing' : enrolled(1, poll)),
    );
  });

  test('is made once, though it is sent twice under one id', async () => {
    await withBatch(
      async (batch, { polls }) => {
        const args = message(updatePolicyUpdate, { polling: { initial: 600_000 } });
        const workflow = rig.workflow(batch.externalBatchId);
        await workflow.executeUpdate(updatePolicyUpdate, { args });
        await until(async () => polls.length === 1 && (await batch.progress()).nextPollAt !== undefined);
        await workflow.executeUpdate(updatePolicyUpdate, { args });
        expect((await batch.progress()).changes).toHaveLength(1);
        expect(polls).toHaveLength(1);
      },
      (_, poll) => (poll === 1 ? 'processing' : enrolled(1, poll)),
    );
  });

  test('decides what becomes of the cards when the batch is cancelled afterwards', async () => {
    const { result, gateway } = await withBatch(
      async (batch, { polls }) => {
        await batch.updatePolicy({ onCancel: 'leave' });
        await until(async () => polls.length === 1 && (await batch.progress()).nextPollAt !== undefined);
        await batch.cancel();
      },
      () => 'processing',
    );

    expect(result).toMatchObject({ status: 'CANCELLED', counts: { unreported: 2 } });
    expect(gateway.polls).toHaveLength(1);
  });

  test('gives a batch a second round that it was started without', async () => {
    const { result, gateway } = await withBatch(
      (batch) => batch.updatePolicy({ retryFailedRecords: { maxRounds: 2 } }),
      (round) =>
        round === 1
          ? [success('cust-1', 'card-100'), declined('cust-2', 'card-200', passingReason!)]
          : [success('cust-2', 'card-200')],
    );

    expect(result).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 2 } });
    expect(gateway.submissions).toHaveLength(2);
  });

  test('takes the cards back when all or nothing is wanted afterwards', async () => {
    const { result } = await withBatch(
      (batch) => batch.updatePolicy({ onPartialFailure: 'rollback' }),
      () => [success('cust-1', 'card-100')],
    );

    expect(result).toMatchObject({ status: 'ROLLED_BACK', counts: { rolledBack: 1, unreported: 1 } });
  });
});

describe('a change of the policy is refused', () => {
  test.each<[string, PolicyInput, RegExp]>([
    ['for what is decided already', { onInvalidRecords: 'rejectBatch' }, /onInvalidRecords cannot change/],
    [
      'when it contradicts the rest of the policy',
      { polling: { initial: '3d' } },
      /longer than polling.maximum/,
    ],
    ['when it changes nothing', {}, /changes nothing/],
  ])('%s', async (_, change, message) => {
    const { result } = await withBatch(async (batch) => {
      await expect(batch.updatePolicy(change)).rejects.toThrow(ChangeRefusedError);
      await expect(batch.updatePolicy(change)).rejects.toThrow(message);
    });

    expect(result.status).toBe('COMPLETED');
  });

  test('unsent, when it is no policy', async () => {
    await withBatch((batch) =>
      expect(batch.updatePolicy({ polling: { initial: 'soon' } })).rejects.toThrow(PolicyError),
    );
  });

  test('by the batch itself, when a client that does not check sends it', async () => {
    await withBatch((batch) =>
      expect(
        rig.workflow(batch.externalBatchId).executeUpdate(updatePolicyUpdate, {
          args: message(updatePolicyUpdate, { polling: { initial: 'soon' } } as unknown as PolicyOverrides),
        }),
      ).rejects.toMatchObject({ cause: { message: expect.stringContaining('polling.initial') as string } }),
    );
  });

  test('by the batch itself, when it does not say who sends it', async () => {
    const [sent] = message(updatePolicyUpdate, { onCancel: 'leave' } as const);
    await withBatch((batch) =>
      expect(
        rig
          .workflow(batch.externalBatchId)
          .executeUpdate(updatePolicyUpdate, { args: [{ ...sent, by: '' }] }),
      ).rejects.toMatchObject({ cause: { message: 'by must be a text of 1 to 128 characters' } }),
    );
  });

  test('once the batch is cancelled', async () => {
    const id = rig.nextBatchId('policy');
    const gateway: ScriptedGateway = new ScriptedGateway({
      submit: [
        async () => {
          await rig.client().batch(id).cancel();
          return { batchId: 'mc-1' };
        },
      ],
      status: [
        async () => {
          const change = rig.client().batch(id).updatePolicy({ onCancel: 'leave' });
          await expect(change).rejects.toThrow(/being cancelled/);
          return report(id, BatchStatusValue.completed, [success('cust-1', 'card-100')]);
        },
      ],
    });
    const result = await rig.running(gateway, async (client) =>
      (await client.enroll({ externalBatchId: id, program: PROGRAM, records: testRecords(1) })).result(),
    );

    expect(result).toMatchObject({ status: 'CANCELLED', counts: { rolledBack: 1 } });
  });
});
