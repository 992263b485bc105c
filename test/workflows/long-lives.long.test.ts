import type { History } from '@temporalio/common/lib/proto-utils.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import type { BatchResult } from '../../enrollment/batch.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import type { PolicyInput } from '../../enrollment/policy-schema.js';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import { GatewayFailure } from '../../mastercard/errors.js';
import type { BatchReport, RemovalResult } from '../../mastercard/gateway.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { report, ScriptedGateway, success } from '../support/scripted-gateway.js';
import { until } from '../support/until.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

/**
 * More than one run's history takes: each is 11 events, and a run ends at 8,000 at the latest. With
 * `C2P_TEST_POLLS=20000` the first test is as long as a batch that is polled every five minutes for ten weeks.
 */
const POLLS = Number(process.env['C2P_TEST_POLLS'] ?? 1_000);
const OFFERS = 1_000;
const LONG = { timeout: 60_000 + POLLS * 60 };

test('a batch of very many polls is handed over from run to run and ends well', LONG, async () => {
  const id = rig.nextBatchId('long');
  let polls = 0;
  const answer = (): BatchReport => {
    polls += 1;
    return polls < POLLS
      ? report(id, BatchStatusValue.inProgress)
      : report(id, BatchStatusValue.completed, [success('cust-1', 'card-100')]);
  };
  const gateway = new ScriptedGateway({ status: [answer] });
  const { result, progress } = await rig.running(gateway, async (client) => {
    const batch = await client.enroll({
      externalBatchId: id,
      program: PROGRAM,
      records: testRecords(1),
      policy: { polling: { initial: '1m', maximum: '1m', deadline: '90d' } },
    });
    const result = await batch.result();
    return { result, progress: await rig.workflow(id).query('progress') };
  });

  expect(result).toMatchObject({ status: 'COMPLETED', batchIds: ['mc-1'], counts: { enrolled: 1 } });
  expect(progress).toMatchObject({ polling: { polls: POLLS }, submission: { attempts: 1 } });
  expect(gateway.submissions).toHaveLength(1);
  const histories = await rig.histories(id);
  expect(histories.length).toBeGreaterThan(1);
  for (const { events } of histories) expect(events?.length).toBeLessThan(10_240);
});

test(
  'a batch that Mastercard does not take for very long is handed over and taken in the end, once',
  LONG,
  async () => {
    const id = rig.nextBatchId('long');
    const throttled = new GatewayFailure({ operation: 'submitBatch', kind: 'notAccepted', httpStatus: 429 });
    const gateway = new ScriptedGateway({
      submit: [...Array<GatewayFailure>(OFFERS).fill(throttled), { batchId: 'mc-1' }],
      status: [report(id, BatchStatusValue.completed, [success('cust-1', 'card-100')])],
    });
    const result = await rig.running(gateway, async (client) => {
      const batch = await client.enroll({
        externalBatchId: id,
        program: PROGRAM,
        records: testRecords(1),
        policy: { submission: { initial: '1m', maximum: '1m', deadline: '90d' } },
      });
      return batch.result();
    });

    expect(result).toMatchObject({ status: 'COMPLETED', batchIds: ['mc-1'] });
    expect(new Set(gateway.submissions.map(({ sha256 }) => sha256)).size).toBe(1);
    expect(gateway.submissions).toHaveLength(OFFERS + 1);
    expect((await rig.histories(id)).length).toBeGreaterThan(1);
  },
);

/** More polls than one run's history takes. */
const ONE_RUN = 800;

/** Has a batch of two cards polled for more than one run; then one of them is enrolled and the other is not. */
async function longBatch(
  deleteCard: (RemovalResult | GatewayFailure)[],
  policy: PolicyInput,
  act: (batch: EnrollmentBatch) => Promise<void> = () => Promise.resolve(),
): Promise<{ result: BatchResult; runs: History[] }> {
  const id = rig.nextBatchId('long');
  const gateway: ScriptedGateway = new ScriptedGateway({
    deleteCard,
    status: [
      (): BatchReport =>
        gateway.polls.length < ONE_RUN
          ? report(id, BatchStatusValue.inProgress)
          : report(id, BatchStatusValue.completed, [success('cust-1', 'card-100')]),
    ],
  });
  const result = await rig.running(gateway, async (client) => {
    const batch = await client.enroll({
      externalBatchId: id,
      program: PROGRAM,
      records: testRecords(2),
      policy: { polling: { initial: '1m', maximum: '1m', deadline: '90d' }, ...policy },
    });
    await act(batch);
    return batch.result();
  });
  return { result, runs: await rig.histories(id) };
}

test(
  'a batch whose rollback is stuck is handed over, with the question that it waits for',
  LONG,
  async () => {
    const refused = new GatewayFailure({ operation: 'deleteCard', kind: 'refused', httpStatus: 400 });
    const { result, runs } = await longBatch(
      [refused, refused, 'removed'],
      { onPartialFailure: 'rollback' },
      async (batch) => {
        await rig.env.sleep(ONE_RUN * 60_000 * 2);
        for (let attempt = 1; attempt <= 2; attempt += 1) {
          await until(async () => (await batch.progress()).question === 'removal');
          await batch.retryRollback({ retry: true });
        }
      },
    );

    expect(result).toMatchObject({ status: 'ROLLED_BACK', counts: { rolledBack: 1, unreported: 1 } });
    expect(runs.length).toBeGreaterThan(1);
  },
);

test('what was changed of a policy holds in the runs that follow', LONG, async () => {
  const { result, runs } = await longBatch(['removed'], {}, (batch) =>
    batch.updatePolicy({ onPartialFailure: 'rollback' }),
  );

  expect(result.status).toBe('ROLLED_BACK');
  expect(runs.length).toBeGreaterThan(1);
});

test(
  'a batch that was started with its records inline hands only a reference to the activities that follow, and to the next run',
  LONG,
  async () => {
    const id = rig.nextBatchId('inline');
    const status = [
      ...Array<BatchReport>(ONE_RUN).fill(report(id, BatchStatusValue.inProgress)),
      report(id, BatchStatusValue.completed, [success('cust-1', 'card-100'), success('cust-2', 'card-200')]),
    ];
    await rig.running(new ScriptedGateway({ status }), async (_, taskQueue) => {
      const policy = { polling: { initial: '1m', maximum: '1m', deadline: '72h' } };
      const key = { program: PROGRAM, externalBatchId: id };
      const handle = await rig.env.client.workflow.start('batchEnrollment', {
        taskQueue,
        workflowId: workflowIdOf(key),
        args: [{ ...key, records: { inline: testRecords(2) }, policy }],
      });
      await handle.result();
    });
    const histories = await rig.histories(id);
    const first = histories.pop();
    expect(histories.length).toBeGreaterThan(0);
    const { payloadCodecs } = rig.dataConverter;
    const decoded = async (history: typeof first) => {
      const payloads = (history?.events ?? []).flatMap((event) => [
        ...(event.workflowExecutionStartedEventAttributes?.input?.payloads ?? []),
        ...(event.activityTaskScheduledEventAttributes?.input?.payloads ?? []),
      ]);
      const plain = await payloadCodecs![0]!.decode(payloads);
      return plain.map(({ data }) => Buffer.from(data!).toString());
    };
    const withRecords = (texts: string[]) =>
      texts.map((text) => text.includes('primaryAccountNumber')).filter(Boolean);
    expect(withRecords(await decoded(first))).toHaveLength(2);
    for (const later of histories) expect(withRecords(await decoded(later))).toHaveLength(0);
  },
);
