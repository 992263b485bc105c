import { Context } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import { resolvePolicy } from '../../enrollment/policy.js';
import type { PolicyInput } from '../../enrollment/policy-schema.js';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import { GatewayFailure } from '../../mastercard/errors.js';
import type { BatchReport } from '../../mastercard/gateway.js';
import { bulkProgressQuery, resumeBulkUpdate } from '../../workflows/bulk/messages.js';
import {
  cancelJob,
  enrollingEverything,
  startBulk,
  untilItWaits,
  writePortfolio,
  type BulkHandle,
} from '../support/bulk-rig.js';
import { message } from '../support/message.js';
import { testRecords } from '../support/records.js';
import { HANDS_OVER, PROGRAM, Rig } from '../support/rig.js';
import { declined, report, ScriptedGateway, success } from '../support/scripted-gateway.js';
import { until } from '../support/until.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

type Script = ConstructorParameters<typeof ScriptedGateway>[0];
const { completed, completedWithErrors, inProgress } = BatchStatusValue;
const all = (id: string): BatchReport =>
  report(id, completed, [success('cust-1', 'card-100'), success('cust-2', 'card-200')]);
const oneLater = (id: string): BatchReport =>
  report(id, completedWithErrors, [
    success('cust-1', 'card-100'),
    declined('cust-2', 'card-200', 'NO_RESPONSE_FROM_ISSUER'),
  ]);

const POLLS_SOON: PolicyInput = { polling: { initial: '1s' } };

/** Cancels the workflow as anybody can who may write to Temporal. */
const bareCancel = (id: string) => rig.workflow(id).cancel();
const isAsked = async (batch: EnrollmentBatch) => (await batch.progress()).question === 'cancellation';
const waits = (batch: EnrollmentBatch) => untilItWaits(rig, batch.externalBatchId);

/** Runs a batch of two cards to its end. */
async function run(
  script: (id: string) => Script,
  act: (batch: EnrollmentBatch, gateway: ScriptedGateway) => Promise<void>,
  policy: PolicyInput = {},
) {
  const id = rig.nextBatchId('bare');
  const gateway = new ScriptedGateway(script(id));
  return rig.running(gateway, async (client) => {
    const records = testRecords(2);
    const batch = await client.enroll({ externalBatchId: id, program: PROGRAM, records, policy });
    await act(batch, gateway);
    const result = await batch.result();
    return { result, gateway, shownAs: (await rig.workflow(id).describe()).status.name };
  });
}

const enrollsLater = (id: string): Script => ({ status: [report(id, inProgress), all(id)] });

// The time-skipping server lets no workflow hand over that it was asked to cancel.
describe.skipIf(HANDS_OVER)('a batch whose workflow Temporal is asked to cancel', () => {
  test('ends, and nobody is asked, where Mastercard cannot have it', async () => {
    const throttled = new GatewayFailure({ operation: 'submitBatch', kind: 'notAccepted', httpStatus: 503 });
    const { result, shownAs } = await run(
      () => ({ submit: [throttled] }),
      async (batch) => {
        await until(async () => (await batch.progress()).submission?.nextAttemptAt !== undefined);
        await bareCancel(batch.externalBatchId);
      },
    );
    expect(result).toMatchObject({ status: 'CANCELLED', batchIds: [], counts: { unreported: 2 } });
    expect(shownAs).toBe('CANCELLED');
  });

  test('asks an operator, and removes no card before the answer', async () => {
    const { result, gateway, shownAs } = await run(enrollsLater, async (batch, { cardRemovals }) => {
      await waits(batch);
      await bareCancel(batch.externalBatchId);
      await until(() => isAsked(batch));
      expect(await batch.progress()).toMatchObject({
        status: 'AWAITING_OPERATOR',
        error:
          'Temporal was asked to cancel the workflow, without c2p, and Mastercard may have cards of the batch',
      });
      expect(cardRemovals).toEqual([]);
      await batch.cancel({ by: 'Ana', reason: 'wrong file' });
      expect((await batch.progress()).changes).toEqual(['cancelled the batch (Ana: wrong file)']);
    });
    expect(result).toMatchObject({ status: 'CANCELLED', counts: { rolledBack: 2 } });
    expect(gateway.cardRemovals).toHaveLength(2);
    expect(shownAs).toBe('CANCELLED');
  });

  test('goes on where the operator says so', async () => {
    const { result, gateway, shownAs } = await run(enrollsLater, async (batch) => {
      await waits(batch);
      await bareCancel(batch.externalBatchId);
      await until(() => isAsked(batch));
      await batch.goOn({ by: 'Ana' });
    });
    expect(result).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 2 } });
    expect(gateway.cardRemovals).toEqual([]);
    expect(shownAs).toBe('COMPLETED');
  });

  test('asks when an offer that is under way comes to be accepted', async () => {
    const { result } = await run(
      (id) => ({
        submit: [
          async () => {
            await bareCancel(id);
            return { batchId: 'mc-7' };
          },
        ],
        status: [all(id)],
      }),
      async (batch, { polls }) => {
        await until(() => isAsked(batch));
        expect(polls).toEqual([]);
        await batch.goOn();
      },
    );
    expect(result).toMatchObject({ status: 'COMPLETED', batchIds: ['mc-7'] });
  });

  test('gives up a poll that is under way, and asks', async () => {
    const { result } = await run(
      (id) => ({
        status: [
          async () => {
            await bareCancel(id);
            await Context.current().cancelled.catch(() => undefined);
            throw new GatewayFailure({ operation: 'fetchBatchStatus', kind: 'unknown', problem: 'aborted' });
          },
          all(id),
        ],
      }),
      async (batch) => {
        await until(() => isAsked(batch));
        await batch.goOn();
      },
      POLLS_SOON,
    );
    expect(result).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 2 } });
  });

  test('sends no further round before the answer, and ends there if it is to be cancelled', async () => {
    const { result, gateway } = await run(
      (id) => ({ status: [oneLater(id)] }),
      async (batch) => {
        await until(async () => (await batch.progress()).nextRoundAt !== undefined);
        await waits(batch);
        await bareCancel(batch.externalBatchId);
        await until(() => isAsked(batch));
        await rig.env.sleep('2 days');
        await batch.cancel();
      },
      { ...POLLS_SOON, retryFailedRecords: { maxRounds: 2, delay: '1d' } },
    );
    expect(result).toMatchObject({ status: 'CANCELLED', counts: { rolledBack: 1, failed: 1 } });
    expect(gateway.submissions).toHaveLength(1);
  });

  test('that asks something else asks about that first', async () => {
    const { result } = await run(
      (id) => ({ status: [report(id, inProgress), all(id)] }),
      async (batch) => {
        await until(async () => {
          await rig.env.sleep('1h');
          return (await batch.progress()).question === 'moreTime';
        });
        await bareCancel(batch.externalBatchId);
        const says = 'Temporal was asked to cancel the workflow, without c2p: that is the next question';
        await until(async () => (await batch.progress()).reasons.includes(says));
        await batch.pollNow();
        await until(() => isAsked(batch));
        await batch.goOn();
      },
      {
        onPollingDeadline: 'askOperator',
        polling: { initial: '1h', maximum: '1h', deadline: '1h', jitter: 0 },
      },
    );
    expect(result).toMatchObject({ status: 'COMPLETED' });
  });

  test('is cancelled without a question where the policy takes such a request for an operator’s', async () => {
    const { result, gateway } = await run(
      enrollsLater,
      async (batch) => {
        await waits(batch);
        await bareCancel(batch.externalBatchId);
      },
      { onBareCancel: 'asOnCancel' },
    );
    expect(result).toMatchObject({ status: 'CANCELLED', counts: { rolledBack: 2 } });
    expect(gateway.cardRemovals).toHaveLength(2);
  });
});

test('a batch that nobody asked to cancel in Temporal refuses to go on', async () => {
  const { result } = await run(enrollsLater, async (batch) => {
    await waits(batch);
    await expect(batch.goOn()).rejects.toThrow(/not the question whether the batch is to be cancelled/);
  });
  expect(result).toMatchObject({ status: 'COMPLETED' });
});

test('a second message that cancels a batch changes nothing', async () => {
  const { result } = await run(enrollsLater, async (batch) => {
    await waits(batch);
    await batch.cancel({ by: 'Ana' });
    await batch.cancel({ by: 'Ben' });
    expect((await batch.progress()).changes).toEqual(['cancelled the batch (Ana)']);
  });
  expect(result).toMatchObject({ status: 'CANCELLED', counts: { rolledBack: 2 } });
});

describe.skipIf(HANDS_OVER)('a job whose workflow Temporal is asked to cancel', () => {
  const isPaused = async (job: BulkHandle) => (await job.query(bulkProgressQuery)).status === 'PAUSED';

  async function runJob(
    act: (job: BulkHandle) => Promise<void>,
    onBareCancel?: 'asOnCancel',
  ): Promise<{ status: unknown; gateway: ScriptedGateway }> {
    const bulkId = rig.nextBatchId('bare-job');
    await writePortfolio(rig, bulkId, testRecords(12));
    const gateway = enrollingEverything(rig);
    const status = await rig.running(gateway, async (_, taskQueue) => {
      const job = await startBulk(rig, taskQueue, bulkId, {
        limits: { maxBatchesInFlight: 1, batchesPerMinute: null },
        onCancel: 'rollback',
        policy: resolvePolicy({ onBareCancel }),
      });
      await until(() => gateway.submissions.length === 1);
      await job.cancel();
      await act(job);
      const ended = await job.result().catch((error: unknown) => error);
      return (ended as { status?: string }).status ?? (await job.describe()).status.name;
    });
    return { status, gateway };
  }

  test('pauses, says why, and goes on where the operator says so', async () => {
    const { status, gateway } = await runJob(async (job) => {
      await until(() => isPaused(job));
      expect((await job.query(bulkProgressQuery)).reasons).toEqual([
        'Temporal was asked to cancel the workflow, without c2p: the job starts no further batch until an operator decides',
      ]);
      await job.executeUpdate(resumeBulkUpdate, { args: message(resumeBulkUpdate, {}) });
    });
    expect(status).toBe('COMPLETED');
    expect(gateway.submissions).toHaveLength(4);
    expect(gateway.cardRemovals).toEqual([]);
  });

  test('takes back what it enrolled once the operator cancels it', async () => {
    const { status, gateway } = await runJob(async (job) => {
      await until(() => isPaused(job));
      await cancelJob(job);
    });
    expect(status).toBe('CANCELLED');
    expect(gateway.cardRemovals).toHaveLength(3);
  });

  test('is cancelled where the policy takes such a request for an operator’s', async () => {
    const { status, gateway } = await runJob(() => Promise.resolve(), 'asOnCancel');
    expect(status).toBe('CANCELLED');
    expect(gateway.cardRemovals).toHaveLength(3);
  });
});
