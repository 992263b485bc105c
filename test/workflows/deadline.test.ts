import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import { ChangeRefusedError } from '../../client/errors.js';
import type { BatchResult } from '../../enrollment/batch.js';
import type { PolicyInput } from '../../enrollment/policy-schema.js';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import type { BatchReport } from '../../mastercard/gateway.js';
import { extendDeadlineUpdate, type DeadlineDecision } from '../../workflows/batch/messages.js';
import { message } from '../support/message.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { report, ScriptedGateway, success } from '../support/scripted-gateway.js';
import { until } from '../support/until.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

const HOUR = 3_600_000;
/** Polls after one, two and three hours; the third is at the deadline. */
const THREE_POLLS = { initial: '1h', maximum: '1h', deadline: '3h', jitter: 0 } as const;

/** When `hours` have passed from now, in Temporal's time. */
async function inHours(hours: number): Promise<Date> {
  return new Date((await rig.env.currentTimeMs()) + hours * HOUR);
}

/** A batch of one card with which Mastercard is done at the `doneAt`th poll. */
async function withBatch(
  doneAt: number,
  act: (batch: EnrollmentBatch, gateway: ScriptedGateway) => Promise<void>,
  policy: PolicyInput = {},
): Promise<{ result: BatchResult; gateway: ScriptedGateway }> {
  const id = rig.nextBatchId('deadline');
  const answer = (): BatchReport =>
    gateway.polls.length < doneAt
      ? report(id, BatchStatusValue.inProgress)
      : report(id, BatchStatusValue.completed, [success('cust-1', 'card-100')]);
  const gateway = new ScriptedGateway({ status: [answer] });
  return rig.running(gateway, async (client) => {
    const batch = await client.enroll({
      externalBatchId: id,
      program: PROGRAM,
      records: testRecords(1),
      policy: { polling: THREE_POLLS, ...policy },
    });
    await until(async () => (await batch.progress()).nextPollAt !== undefined);
    await act(batch, gateway);
    return { result: await batch.result(), gateway };
  });
}

describe('a batch with which Mastercard takes longer than the polling deadline', () => {
  test('ends EXPIRED by default', async () => {
    const { result, gateway } = await withBatch(5, async () => {});

    expect(result).toMatchObject({ status: 'EXPIRED', failure: 'PollingDeadlineExceeded' });
    expect(gateway.polls).toHaveLength(3);
  });

  test('goes on when the deadline was extended in time', async () => {
    const { result } = await withBatch(5, async (batch) => {
      const deadline = await inHours(6);
      await batch.extendDeadline({ until: deadline });
      expect((await batch.progress()).polling?.deadlineAt).toBe(deadline.toISOString());
    });

    expect(result).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 1 } });
  });

  test('goes on when the policy was given a later deadline in time', async () => {
    const { result } = await withBatch(5, (batch) => batch.updatePolicy({ polling: { deadline: '6h' } }));

    expect(result.status).toBe('COMPLETED');
  });

  test('ends EXPIRED at the extended deadline if it is not enough', async () => {
    const { result, gateway } = await withBatch(99, async (batch) =>
      batch.extendDeadline({ until: await inHours(5) }),
    );

    expect(result.status).toBe('EXPIRED');
    expect(gateway.polls).toHaveLength(5);
  });
});

describe('with the policy askOperator, a batch at its polling deadline', () => {
  const askOperator = { onPollingDeadline: 'askOperator' } as const;

  async function atDeadline(
    doneAt: number,
    act: (batch: EnrollmentBatch, gateway: ScriptedGateway) => Promise<void>,
    policy: PolicyInput = askOperator,
  ): ReturnType<typeof withBatch> {
    return withBatch(
      doneAt,
      async (batch, gateway) => {
        await rig.env.sleep(4 * HOUR);
        await until(async () => (await batch.progress()).status === 'AWAITING_OPERATOR');
        await act(batch, gateway);
      },
      policy,
    );
  }

  test('waits for an operator and says why', async () => {
    let shown: unknown;
    await atDeadline(99, async (batch) => {
      shown = await batch.progress();
      await batch.extendDeadline({ abandon: true });
    });

    expect(shown).toMatchObject({
      question: 'moreTime',
      error: 'PollingDeadlineExceeded: batchId mc-1 was not terminal before the polling deadline',
    });
  });

  test('goes on when it gets more time', async () => {
    const { result } = await atDeadline(4, async (batch) =>
      batch.extendDeadline({ until: await inHours(24) }),
    );

    expect(result).toMatchObject({ status: 'COMPLETED', reasons: [] });
  });

  test('ends EXPIRED when it is given up, its card UNREPORTED and the data erased', async () => {
    const { result } = await atDeadline(99, (batch) => batch.extendDeadline({ abandon: true }));

    expect(result).toMatchObject({
      status: 'EXPIRED',
      failure: 'PollingDeadlineExceeded',
      counts: { unreported: 1 },
    });
    expect(await rig.blobs(result.externalBatchId)).toEqual(['closed', 'offered-1', 'outcomes']);
  });

  test('ends EXPIRED when the policy no longer wants to ask', async () => {
    const { result } = await atDeadline(99, (batch) => batch.updatePolicy({ onPollingDeadline: 'expire' }));

    expect(result.status).toBe('EXPIRED');
  });

  test('asks Mastercard once more when somebody wants that, and then the operator again', async () => {
    const { result } = await atDeadline(5, async (batch, gateway) => {
      await batch.pollNow();
      await until(async () => {
        const { status } = await batch.progress();
        return gateway.polls.length === 4 && status === 'AWAITING_OPERATOR';
      });
      await batch.pollNow();
    });

    expect(result.status).toBe('COMPLETED');
  });

  test('can be cancelled: what Mastercard has done by then is taken back', async () => {
    const { result, gateway } = await atDeadline(4, (batch) => batch.cancel());

    expect(result).toMatchObject({ status: 'CANCELLED', counts: { rolledBack: 1 } });
    expect(gateway.polls).toHaveLength(4);
  });

  test('ends EXPIRED when it is cancelled and Mastercard is still not done', async () => {
    const { result, gateway } = await atDeadline(99, (batch) => batch.cancel());

    expect(result.status).toBe('EXPIRED');
    expect(gateway.polls).toHaveLength(4);
  });

  test('is CANCELLED at once when its cards are to be left', async () => {
    const { result } = await atDeadline(99, (batch) => batch.cancel(), { ...askOperator, onCancel: 'leave' });

    expect(result).toMatchObject({ status: 'CANCELLED', counts: { unreported: 1 } });
  });
});

describe('an extension of the polling deadline is refused', () => {
  test.each<[string, (batch: EnrollmentBatch) => Promise<void>, RegExp]>([
    [
      'for a time before the present deadline',
      async (b) => b.extendDeadline({ until: await inHours(2) }),
      /already/,
    ],
    ['for a time in years', async (b) => b.extendDeadline({ until: await inHours(9_000) }), /a year away/],
    ['for giving up before it has passed', (b) => b.extendDeadline({ abandon: true }), /has not passed/],
    ['for what is no time', (b) => raw(b, { until: 'soon' }), /ISO 8601/],
    ['for nothing', (b) => raw(b, {}), /ISO 8601/],
    ['for both answers', (b) => raw(b, { until: 'soon', abandon: true }), /ISO 8601/],
  ])('%s', async (_, act, message) => {
    const { result } = await withBatch(2, (batch) => expect(act(batch)).rejects.toThrow(message));

    expect(result.status).toBe('COMPLETED');
  });

  test('for a batch that is closed', async () => {
    let closed: EnrollmentBatch | undefined;
    await withBatch(1, (batch) => Promise.resolve(void (closed = batch)));

    const extension = closed!.extendDeadline({ until: await inHours(99) });
    await expect(extension).rejects.toThrow(ChangeRefusedError);
    await expect(closed!.extendDeadline({ abandon: true })).rejects.toThrow(/it is closed: COMPLETED/);
  });

  /** As a client in another language might send it. */
  async function raw(batch: EnrollmentBatch, decision: object): Promise<void> {
    const args = message(extendDeadlineUpdate, decision as DeadlineDecision);
    await rig
      .workflow(batch.externalBatchId)
      .executeUpdate(extendDeadlineUpdate, { args })
      .catch((error: Error) => {
        throw error.cause;
      });
  }
});
