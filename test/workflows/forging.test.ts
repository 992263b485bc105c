import { Context } from '@temporalio/activity';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import proto from '@temporalio/proto';
import { DefaultLogger, Runtime, type LogEntry } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import type { EnrollmentClient } from '../../client/enrollment-client.js';
import { bulkBatchId, bulkWorkflowIdOf, NO_CARDS } from '../../enrollment/bulk.js';
import { FailureType } from '../../enrollment/errors.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import { DEFAULT_POLICY, resolvePolicy } from '../../enrollment/policy.js';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import type { BatchReport } from '../../mastercard/gateway.js';
import { EncryptingPayloadCodec } from '../../protection/payload-codec.js';
import { bulkProgressQuery } from '../../workflows/bulk/messages.js';
import { startBulk, writePortfolio } from '../support/bulk-rig.js';
import { currentDetailsOf } from '../support/current-details.js';
import { testRing } from '../support/key-rings.js';
import { message } from '../support/message.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { report, ScriptedGateway, success } from '../support/scripted-gateway.js';
import { until } from '../support/until.js';

const { UpdateWorkflowExecutionLifecycleStage } = proto.temporal.api.enums.v1;
const { WorkflowIdReusePolicy } = proto.temporal.api.enums.v1;

const logged: LogEntry[] = [];
let rig: Rig;
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('WARN', (entry) => void logged.push(entry)) });
  rig = await Rig.create();
});
afterAll(() => rig.close());

/** How somebody without the key ring, who reads and writes Temporal, can write a value for a workflow. */
const FORMS: Record<string, (value: unknown, workflowId: string) => Promise<Payload[]>> = {
  'no payload': () => Promise.resolve([]),
  'in clear': (value) => Promise.resolve([defaultPayloadConverter.toPayload(value)]),
  'in clear, malformed': () =>
    Promise.resolve([{ metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('{') }]),
  'without an encoding': () => Promise.resolve([{ data: Buffer.from('x') }]),
  'marked as what was refused': () =>
    Promise.resolve([{ metadata: { encoding: Buffer.from('c2p/refused') }, data: Buffer.from('{}') }]),
  'under a key of a ring of its own': (value, workflowId) =>
    encrypted(value, new EncryptingPayloadCodec(testRing(7)), workflowId),
  'as it was written for another workflow': (value) =>
    encrypted(value, ourCodec(), 'batch-enrollment/demo/x'),
  'as it was written for another namespace': (value, workflowId) =>
    encrypted(value, ourCodec(), workflowId, 'another'),
  'as it was written for this workflow, truncated': async (value, workflowId) => {
    const [payload] = await encrypted(value, ourCodec(), workflowId);
    return [{ ...payload, data: payload!.data!.subarray(0, -1) }];
  },
};

const ourCodec = () => new EncryptingPayloadCodec(rig.keyRing);

function encrypted(value: unknown, codec: EncryptingPayloadCodec, workflowId: string, namespace = 'default') {
  const payload = defaultPayloadConverter.toPayload(value);
  return codec.encode([payload], { type: 'workflow', namespace, workflowId });
}

const service = () => rig.env.client.workflowService;
const namespace = 'default';

async function signal(workflowId: string, signalName: string, payloads: Payload[]): Promise<void> {
  const workflowExecution = { workflowId };
  await service().signalWorkflowExecution({ namespace, workflowExecution, signalName, input: { payloads } });
}

/** @returns what the workflow answered: a failure, or nothing. */
async function update(workflowId: string, name: string, payloads: Payload[]): Promise<unknown> {
  const { outcome } = await service().updateWorkflowExecution({
    namespace,
    workflowExecution: { workflowId },
    waitPolicy: {
      lifecycleStage:
        UpdateWorkflowExecutionLifecycleStage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED,
    },
    request: { meta: { updateId: crypto.randomUUID() }, input: { name, args: { payloads } } },
  });
  return outcome?.failure;
}

interface Started {
  externalBatchId: string;
  taskQueue: string;
  payloads: Payload[];
  options?: object;
}

/** @returns how it ended: type and message of its failure, or nothing. */
async function start({
  externalBatchId,
  taskQueue,
  payloads,
  options,
}: Started): Promise<string | undefined> {
  const workflowId = workflowIdOf({ program: PROGRAM, externalBatchId });
  await service().startWorkflowExecution({
    namespace,
    workflowId,
    workflowType: { name: 'batchEnrollment' },
    taskQueue: { name: taskQueue },
    input: { payloads },
    requestId: crypto.randomUUID(),
    workflowIdReusePolicy: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
    ...options,
  });
  const error: unknown = await rig.env.client.workflow.result(workflowId).catch((reason: unknown) => reason);
  const { cause } = error as { cause?: { type: string; message: string } };
  return cause && `${cause.type}: ${cause.message}`;
}

const inputOf = (externalBatchId: string) => ({
  program: PROGRAM,
  externalBatchId,
  records: 'records-1',
  recordsDigest: 'k1:00',
  cards: 1,
  policy: DEFAULT_POLICY,
});

function enroll(client: EnrollmentClient, externalBatchId: string): Promise<EnrollmentBatch> {
  const order = { externalBatchId, program: PROGRAM, records: testRecords(1) };
  return client.enroll({ ...order, policy: { polling: { initial: '1s' } } });
}

/** A Mastercard whose answers wait until the test lets them go, and that tells which activity asks. */
function heldGateway(externalBatchId: string) {
  const asked: { activityId: string; answer: (report: BatchReport) => void }[] = [];
  const hold = () =>
    new Promise<BatchReport>((answer) => {
      asked.push({ activityId: Context.current().info.activityId, answer });
    });
  const done = report(externalBatchId, BatchStatusValue.completed, [success('cust-1', 'card-100')]);
  return { asked, gateway: new ScriptedGateway({ status: [hold] }), done };
}

/** An activity whose report was ignored is called again after a minute. While it runs, time is not skipped. */
async function calledAgain(isSo: () => boolean): Promise<void> {
  await rig.env.sleep('1 minute');
  await until(isSo);
}

describe.each(Object.keys(FORMS))('what somebody without the key ring writes %s', (form) => {
  const written = (value: unknown, workflowId: string) => FORMS[form]!(value, workflowId);

  test('starts no batch', async () => {
    const externalBatchId = rig.nextBatchId('forged');
    const gateway = new ScriptedGateway();
    await rig.running(gateway, async (_, taskQueue) => {
      const workflowId = workflowIdOf({ program: PROGRAM, externalBatchId });
      const payloads = await written(inputOf(externalBatchId), workflowId);
      const refused = form === 'no payload' ? 'the input must be an object' : 'not written with the key ring';
      const end = await start({ externalBatchId, taskQueue, payloads });
      expect(end).toContain(FailureType.InputRefused);
      expect(end).toContain(refused);
    });
    expect(gateway.submissions).toEqual([]);
    expect(await rig.blobs(externalBatchId)).toEqual([]);
  });

  test('changes nothing of a batch, which completes as if nothing had been', async () => {
    const externalBatchId = rig.nextBatchId('victim');
    const { gateway, asked, done } = heldGateway(externalBatchId);
    const workflowId = workflowIdOf({ program: PROGRAM, externalBatchId });
    await rig.running(gateway, async (client) => {
      const batch = await enroll(client, externalBatchId);
      const at = { namespace, workflowId };

      await until(() => asked.length === 1);
      const policy = { retryFailedRecords: { maxRounds: 5 } };
      for (const name of ['batchClosed', 'cancelByJob', 'updatePolicy', 'no-such-signal'])
        await signal(workflowId, name, await written(message(name, policy)[0], workflowId));
      for (const name of ['cancel', 'goOn', 'updatePolicy', 'pollNow', 'closeWithoutUnreadable'])
        expect(
          await update(workflowId, name, await written(message(name, policy)[0], workflowId)),
        ).toBeTruthy();
      const before = await batch.progress();
      expect(before).toMatchObject({ status: 'PROCESSING', changes: [] });

      const heartbeat = { payloads: await written({ cursor: 7 }, workflowId) };
      await service().recordActivityTaskHeartbeatById({
        ...at,
        activityId: asked[0]!.activityId,
        details: heartbeat,
      });
      // Temporal's SDK fails the workflow task for ever where there is no payload at all: see docs/security.md.
      if (form !== 'no payload') {
        const forged = { call: 'any', result: { kind: 'terminal', ...done } };
        await service().respondActivityTaskCompletedById({
          ...at,
          activityId: asked[0]!.activityId,
          result: { payloads: await written(forged, workflowId) },
        });
        await calledAgain(() => asked.length === 2);
      }
      const details = { payloads: await written('any', workflowId) };
      await service().respondActivityTaskFailedById({
        ...at,
        activityId: asked.at(-1)!.activityId,
        failure: {
          message: 'gone',
          applicationFailureInfo: { type: FailureType.ConfigurationInvalid, nonRetryable: true, details },
        },
      });
      const calls = asked.length;
      await calledAgain(() => asked.length === calls + 1);
      if (form !== 'no payload')
        expect(await currentDetailsOf(batch['workflow'])).toContain('messages refused');
      for (const { answer } of asked) answer(done);
      expect(await batch.result()).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 1 } });
    });
    expect(gateway.submissions).toHaveLength(1);
    expect(gateway.cardRemovals).toEqual([]);
  });
});

describe('somebody who writes to Temporal cannot use again what was written with the key ring:', () => {
  test('a message for one update or signal is none for another', async () => {
    const externalBatchId = rig.nextBatchId('renamed');
    const { gateway, asked, done } = heldGateway(externalBatchId);
    const workflowId = workflowIdOf({ program: PROGRAM, externalBatchId });
    await rig.running(gateway, async (client) => {
      const batch = await enroll(client, externalBatchId);
      await until(() => asked.length === 1);
      const policy = { retryFailedRecords: { maxRounds: 5 } };
      const ofPoll = await encrypted(message('pollNow', policy)[0], ourCodec(), workflowId);
      expect(await update(workflowId, 'updatePolicy', ofPoll)).toBeTruthy();
      expect((await batch.progress()).changes).toEqual([]);
      asked[0]!.answer(done);
      expect(await batch.result()).toMatchObject({ status: 'COMPLETED' });
    });
  });

  test('the input of a batch that is closed starts none, and its outcomes stay', async () => {
    const externalBatchId = rig.nextBatchId('again');
    const { gateway, asked, done } = heldGateway(externalBatchId);
    await rig.running(gateway, async (client, taskQueue) => {
      const batch = await enroll(client, externalBatchId);
      await until(() => asked.length === 1);
      asked[0]!.answer(done);
      const result = await batch.result();
      const [{ events }] = (await rig.histories(externalBatchId)) as [
        { events?: proto.temporal.api.history.v1.IHistoryEvent[] },
      ];
      const payloads = events![0]!.workflowExecutionStartedEventAttributes!.input!.payloads!;
      expect(await start({ externalBatchId, taskQueue, payloads })).toContain(FailureType.InputRefused);
      expect(await batch.result()).toEqual(result);
      expect(await batch.outcomes()).toMatchObject([{ status: 'ENROLLED' }]);
    });
    expect(gateway.submissions).toHaveLength(1);
  });

  test('what one run handed over starts no other', async () => {
    const externalBatchId = rig.nextBatchId('handed-over');
    const workflowId = workflowIdOf({ program: PROGRAM, externalBatchId });
    const gateway = new ScriptedGateway();
    await rig.running(gateway, async (_, taskQueue) => {
      const payloads = await encrypted(
        { continues: { stage: 'any' }, from: 'a-run' },
        ourCodec(),
        workflowId,
      );
      expect(await start({ externalBatchId, taskQueue, payloads })).toContain(FailureType.InputRefused);
    });
  });

  test('a start with a retry policy is refused', async () => {
    const externalBatchId = rig.nextBatchId('repeated');
    const workflowId = workflowIdOf({ program: PROGRAM, externalBatchId });
    const gateway = new ScriptedGateway();
    await rig.running(gateway, async (_client, taskQueue) => {
      const payloads = await encrypted(inputOf(externalBatchId), ourCodec(), workflowId);
      const options = { retryPolicy: { maximumAttempts: 3 } };
      expect(await start({ externalBatchId, taskQueue, payloads, options })).toContain(
        FailureType.InputRefused,
      );
    });
    expect(gateway.submissions).toEqual([]);
  });
});

test.each(['in clear', 'in clear, malformed', 'as it was written for another workflow'])(
  'a job ignores the report of a batch that is written %s',
  async (form) => {
    const bulkId = rig.nextBatchId('job');
    const externalBatchId = bulkBatchId(bulkId, 1);
    const { gateway, asked, done } = heldGateway(externalBatchId);
    await writePortfolio(rig, bulkId, testRecords(1));
    await rig.running(gateway, async (_, taskQueue) => {
      const policy = resolvePolicy({ polling: { initial: 1_000, maximum: 1_000 } });
      const job = await startBulk(rig, taskQueue, bulkId, { policy });
      await until(() => asked.length === 1);
      const workflowId = bulkWorkflowIdOf({ program: PROGRAM, bulkId });
      const counts = { ...NO_CARDS, cards: 1, enrolled: 1 };
      const body = { externalBatchId, chain: '', status: 'COMPLETED', counts };
      await signal(
        workflowId,
        'batchClosed',
        await FORMS[form]!(message('batchClosed', body)[0], workflowId),
      );
      expect(await job.query(bulkProgressQuery)).toMatchObject({ batches: { inFlight: 1 } });
      asked[0]!.answer(done);
      expect(await job.result()).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 1 } });
    });
  },
);

test('the log of the worker names what was refused, and none of its content', () => {
  const messages = new Set(logged.map(({ message: text }) => text));
  expect([...messages]).toEqual(
    expect.arrayContaining([
      'refused a signal that was not written with the key ring',
      'refused an update that was not written with the key ring',
      'ignored a report of an activity that does not answer its call',
    ]),
  );
  expect(JSON.stringify(logged.map(({ meta }) => meta))).not.toContain('maxRounds');
});
