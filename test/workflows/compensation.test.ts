import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import type { PolicyInput } from '../../enrollment/policy-schema.js';
import { BatchStatusValue } from '../support/scripted-gateway.js';
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

const { completed, completedWithErrors, inProgress } = BatchStatusValue;
const broken = new GatewayFailure({
  operation: 'deleteCard',
  kind: 'refused',
  httpStatus: 400,
  reason: 'INVALID_STATE',
});

type Script = ConstructorParameters<typeof ScriptedGateway>[0];

/** Runs a batch of two cards to its end; `act` may meddle with it meanwhile. */
async function run(
  script: (id: string) => Script,
  policy: PolicyInput,
  act: (batch: EnrollmentBatch) => Promise<void> = async () => {},
) {
  const id = rig.nextBatchId('compensation');
  const gateway = new ScriptedGateway(script(id));
  return rig.running(gateway, async (client) => {
    const batch = await client.enroll({
      externalBatchId: id,
      program: PROGRAM,
      records: testRecords(2),
      policy,
    });
    await act(batch);
    return { result: await batch.result(), outcomes: await batch.outcomes(), gateway, id };
  });
}

const half = (id: string) =>
  report(id, completedWithErrors, [
    success('cust-1', 'card-100'),
    declined('cust-2', 'card-200', 'PAN_INELIGIBLE'),
  ]);
const all = (id: string) =>
  report(id, completed, [success('cust-1', 'card-100'), success('cust-2', 'card-200')]);

describe('all or nothing', () => {
  test('takes the enrolled card back when another was declined, for the reason that the policy has, and ends ROLLED_BACK', async () => {
    const { result, outcomes, gateway, id } = await run((id) => ({ status: [half(id)] }), {
      onPartialFailure: 'rollback',
      removalReason: 'accountClosed',
    });

    expect(result).toMatchObject({
      status: 'ROLLED_BACK',
      counts: { enrolled: 0, rolledBack: 1, failed: 1 },
    });
    expect(outcomes).toMatchObject([
      { externalCardId: 'card-100', status: 'ROLLED_BACK', srcDigitalCardId: 'dig-card-100' },
      { externalCardId: 'card-200', status: 'FAILED' },
    ]);
    expect(gateway.cardRemovals).toMatchObject([
      { srcDigitalCardId: 'dig-card-100', reason: 'accountClosed' },
    ]);
    expect(gateway.profileRemovals).toHaveLength(1);
    expect(await rig.blobs(id)).toEqual(['closed', 'offered-1', 'outcomes']);
  });

  test('is shown as ROLLING_BACK where batches are searched for, while cards are removed', async () => {
    const shown: unknown[] = [];
    await run(
      (id) => ({
        status: [half(id)],
        deleteCard: [
          async () => {
            shown.push((await rig.workflow(id).describe()).searchAttributes['C2pStatus']);
            return 'removed' as const;
          },
        ],
      }),
      { onPartialFailure: 'rollback' },
    );
    expect(shown).toEqual([['ROLLING_BACK']]);
  });

  test('keeps every card when every card was enrolled', async () => {
    const { result, gateway } = await run((id) => ({ status: [all(id)] }), { onPartialFailure: 'rollback' });

    expect(result.status).toBe('COMPLETED');
    expect(gateway.cardRemovals).toHaveLength(0);
  });

  test('is not what happens by default', async () => {
    const { result, gateway } = await run((id) => ({ status: [half(id)] }), {});

    expect(result.status).toBe('COMPLETED_WITH_ERRORS');
    expect(gateway.cardRemovals).toHaveLength(0);
  });

  test('counts a card that is already absent as taken back', async () => {
    const { result } = await run((id) => ({ status: [half(id)], deleteCard: ['absent'] }), {
      onPartialFailure: 'rollback',
    });

    expect(result).toMatchObject({ status: 'ROLLED_BACK', counts: { rolledBack: 1 } });
  });
});

describe('a batch that is cancelled while Mastercard processes it', () => {
  const script = (id: string): Script => ({ status: [report(id, inProgress), all(id)] });
  const cancelBetweenPolls = async (batch: EnrollmentBatch) => {
    await until(async () => (await batch.progress()).nextPollAt !== undefined);
    await batch.cancel();
  };

  test('is seen to its terminal status, taken back, and ends CANCELLED', async () => {
    const { result, outcomes, gateway, id } = await run(script, {}, cancelBetweenPolls);

    expect(result).toMatchObject({ status: 'CANCELLED', counts: { rolledBack: 2, enrolled: 0 } });
    expect(outcomes.map(({ status }) => status)).toEqual(['ROLLED_BACK', 'ROLLED_BACK']);
    expect(gateway.cardRemovals).toHaveLength(2);
    expect((await rig.workflow(id).describe()).status.name).toBe('CANCELLED');
  });

  test('ends CANCELLED too when Mastercard enrolled none of its cards', async () => {
    const none = (id: string) =>
      report(id, completedWithErrors, [
        declined('cust-1', 'card-100', 'PAN_INELIGIBLE'),
        declined('cust-2', 'card-200', 'PAN_INELIGIBLE'),
      ]);
    const { result, gateway } = await run(
      (id) => ({ status: [report(id, inProgress), none(id)] }),
      {},
      cancelBetweenPolls,
    );

    expect(result).toMatchObject({ status: 'CANCELLED', counts: { failed: 2 } });
    expect(result.reasons).toEqual(['cancelled: no card was enrolled', '2 declined by Mastercard']);
    expect(gateway.cardRemovals).toHaveLength(0);
  });

  test('is left as it is when the policy says so', async () => {
    const { result, gateway } = await run(script, { onCancel: 'leave' }, cancelBetweenPolls);

    expect(result).toMatchObject({ status: 'CANCELLED', counts: { unreported: 2 } });
    expect(gateway.cardRemovals).toHaveLength(0);
  });

  test('is not changed by a second cancellation while its cards are removed', async () => {
    const { result } = await run(
      (id) => ({
        ...script(id),
        deleteCard: [
          async () => {
            await rig.client().batch(id).cancel();
            return 'removed' as const;
          },
        ],
      }),
      {},
      cancelBetweenPolls,
    );

    expect(result).toMatchObject({ status: 'CANCELLED', counts: { rolledBack: 2 } });
  });

  test('after an attempt whose fate is unknown is submitted again to learn its batchId, and then taken back', async () => {
    const { result, gateway } = await run(
      (id) => ({
        submit: [
          async () => {
            await rig.client().batch(id).cancel();
            throw new GatewayFailure({ operation: 'submitBatch', kind: 'unknown', httpStatus: 504 });
          },
          { batchId: 'mc-1' },
        ],
        status: [all(id)],
      }),
      {},
    );

    expect(result).toMatchObject({ status: 'CANCELLED', batchIds: ['mc-1'], counts: { rolledBack: 2 } });
    expect(gateway.submissions).toHaveLength(2);
  });
});

test('a cancelled batch that Mastercard may have asks an operator when Mastercard refuses the caller', async () => {
  const { result, outcomes } = await run(
    (id) => ({
      submit: [
        async () => {
          await rig.client().batch(id).cancel();
          throw new GatewayFailure({ operation: 'submitBatch', kind: 'unknown', httpStatus: 504 });
        },
        new GatewayFailure({ operation: 'submitBatch', kind: 'configuration', httpStatus: 403 }),
      ],
    }),
    {},
    async (batch) => {
      await until(async () => (await batch.progress()).question === 'batchId');
      await batch.resolve({ abandon: true });
    },
  );

  expect(result).toMatchObject({ status: 'FAILED', failure: 'SubmissionUnresolved' });
  expect(outcomes[0]).toMatchObject({ status: 'UNREPORTED', reason: 'SUBMISSION_UNRESOLVED' });
});

describe('a card that cannot be removed', () => {
  const stuck = (id: string): Script => ({ status: [half(id)], deleteCard: [broken, 'removed'] });
  const waits = (batch: EnrollmentBatch) =>
    until(async () => (await batch.progress()).status === 'AWAITING_OPERATOR');

  test('makes the batch wait for an operator, who tries again', async () => {
    let shown: unknown;
    const { result } = await run(
      stuck,
      { onPartialFailure: 'rollback', polling: { initial: '1s' } },
      async (batch) => {
        await waits(batch);
        shown = await batch.progress();
        await batch.retryRollback({ retry: true });
      },
    );

    expect(shown).toMatchObject({ error: expect.stringContaining('CompensationFailed: 1 cards') as string });
    expect(result).toMatchObject({ status: 'ROLLED_BACK', counts: { rolledBack: 1, enrolled: 0 } });
  });

  test('fails the batch with CompensationFailed when the operator gives it up, and its outcome says so', async () => {
    const { result, outcomes } = await run(
      stuck,
      { onPartialFailure: 'rollback', polling: { initial: '1s' } },
      async (batch) => {
        await waits(batch);
        await batch.retryRollback({ abandon: true });
      },
    );

    expect(result).toMatchObject({
      status: 'FAILED',
      failure: 'CompensationFailed',
      counts: { enrolled: 1 },
    });
    expect(outcomes[0]).toMatchObject({
      status: 'ENROLLED',
      details: [expect.objectContaining({ code: 'REMOVAL_FAILED' })],
    });
  });
});
