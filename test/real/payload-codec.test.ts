import { readFile, writeFile } from 'node:fs/promises';
import { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EnrollmentClient } from '../../client/enrollment-client.js';
import { CodecMissingError, ResolutionRefusedError } from '../../client/errors.js';
import { loadConfig } from '../../config/load.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import { openKeyRing } from '../../protection/live-key-ring.js';
import { isEncrypted, payloadKeyId } from '../../protection/payload-codec.js';
import { payloadsOf } from '../../protection/payloads-of.js';
import { clearNeedle, findLeaks, needlesOf, type Needle } from '../support/leak-search.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';
import { testRecord, testRecords } from '../support/records.js';
import { until } from '../support/until.js';

const { History } = proto.temporal.api.history.v1;
const QUICK = { polling: { initial: '1s', maximum: '1s' } } as const;

let environment: RealEnvironment;
/** As somebody who may read the namespace, and has no key. */
let stranger: Client;
beforeAll(async () => {
  environment = await RealEnvironment.shared();
  stranger = new Client({ connection: environment.connection, namespace: environment.namespace });
});
afterAll(() => environment.close());

const executionOf = (externalBatchId: string) => ({
  workflowId: workflowIdOf({ program: PROGRAM, externalBatchId }),
});
const service = () => environment.connection.workflowService;

async function historyOf(externalBatchId: string) {
  return stranger.workflow.getHandle(executionOf(externalBatchId).workflowId).fetchHistory();
}

/** The bytes of a history without what is meant to be readable: the workflow's id, also where a payload names it, and the search attributes. */
async function hiddenBytesOf(externalBatchId: string): Promise<Buffer> {
  const history = await historyOf(externalBatchId);
  for (const event of history.events ?? []) {
    const started = event.workflowExecutionStartedEventAttributes;
    if (started) Object.assign(started, { workflowId: '', searchAttributes: null });
    const upserted = event.upsertWorkflowSearchAttributesEventAttributes;
    if (upserted) upserted.searchAttributes = null;
  }
  for (const { metadata } of payloadsOf(history)) delete metadata!['c2p-workflow-id'];
  return Buffer.from(History.encode(history).finish());
}

/** Fails unless there are payloads, and each is encrypted. */
function expectEncrypted(message: unknown, atLeast: number): void {
  const payloads = payloadsOf(message);
  expect(payloads.length).toBeGreaterThanOrEqual(atLeast);
  expect(payloads.filter((payload) => !isEncrypted(payload))).toEqual([]);
  expect(new Set(payloads.map(payloadKeyId)).size).toBe(1);
}

async function queried(externalBatchId: string, queryType: string) {
  return service().queryWorkflow({
    namespace: environment.namespace,
    execution: executionOf(externalBatchId),
    query: { queryType },
  });
}

describe('of a batch that an operator answered for and gave up, somebody without the key', () => {
  const id = 'given-up';
  const WRONG = 'not-the-batch-id';
  let site: RealSite;
  beforeAll(async () => {
    site = await environment.site('operator');
    await site.startWorker();
    site.simulator.configure({ duplicates: 'withoutBatchId' });
    site.simulator.fault({ operation: 'enroll', fault: { kind: 'dropAfter' } });
    const policy = { submission: { initial: '300ms' } };
    const batch = await site.client.enroll({
      externalBatchId: id,
      program: PROGRAM,
      records: testRecords(2),
      policy,
    });
    await until(async () => (await batch.progress()).status === 'AWAITING_OPERATOR');
    await expect(batch.resolve({ batchId: WRONG })).rejects.toThrow(ResolutionRefusedError);
    await batch.resolve({ abandon: true });
    expect(await batch.result()).toMatchObject({ status: 'FAILED', failure: 'SubmissionUnresolved' });
    await until(async () => (await batch.execution()) === 'FAILED');
  });

  test('finds every payload of the history encrypted: arguments, results, memo, summaries, updates, failures', async () => {
    const history = await historyOf(id);
    expectEncrypted(history, 25);
    const kinds = (history.events ?? []).flatMap((event) =>
      payloadsOf(event).length > 0 ? Object.keys(event).filter((name) => name.endsWith('Attributes')) : [],
    );
    expect([...new Set(kinds)].sort()).toEqual(
      expect.arrayContaining([
        'activityTaskCompletedEventAttributes',
        'activityTaskScheduledEventAttributes',
        'timerStartedEventAttributes',
        'workflowExecutionFailedEventAttributes',
        'workflowExecutionStartedEventAttributes',
        'workflowExecutionUpdateAcceptedEventAttributes',
        'workflowExecutionUpdateCompletedEventAttributes',
      ]),
    );
  });

  test('reads no external id in it but those of the workflow id and of the search attributes', async () => {
    const bytes = await hiddenBytesOf(id);
    const ids = [id, WRONG, PROGRAM + '/', 'cust-1', 'card-100', 'records-'].map((text) =>
      clearNeedle(text, text),
    );
    expect(findLeaks([{ name: 'history', bytes }], ids)).toEqual([]);
    // The search would find one.
    const all = Buffer.from(History.encode(await historyOf(id)).finish());
    expect(findLeaks([{ name: 'history', bytes: all }], ids)).toContainEqual(
      expect.objectContaining({ of: id }),
    );
  });

  test('reads of a failure its type, and neither its message nor its stack', async () => {
    const failures = failuresIn(await historyOf(id));
    expect(failures.length).toBeGreaterThanOrEqual(2);
    for (const { message, stackTrace } of failures) {
      expect(message).toBe('Encoded failure');
      expect(stackTrace ?? '').toBe('');
    }
    const bytes = await hiddenBytesOf(id);
    expect(bytes.includes('SubmissionUnresolved')).toBe(true);
    for (const text of ['operator abandoned', 'does not know', 'operator.ts', 'Mastercard has'])
      expect(bytes.includes(text), text).toBe(false);
  });

  test('finds memo, summary, answers to queries and current details encrypted', async () => {
    const described = await service().describeWorkflowExecution({
      namespace: environment.namespace,
      execution: executionOf(id),
    });
    expect(Object.keys(described.workflowExecutionInfo?.memo?.fields ?? {})).toEqual(
      expect.arrayContaining(['recordsDigest', 'records']),
    );
    expectEncrypted(described, 3);
    expectEncrypted(await queried(id, 'progress'), 1);
    expectEncrypted(await queried(id, '__temporal_workflow_metadata'), 1);
    await until(async () => {
      const query = `WorkflowId = '${executionOf(id).workflowId}'`;
      const { executions } = await service().listWorkflowExecutions({
        namespace: environment.namespace,
        query,
      });
      if (executions?.length !== 1) return false;
      expectEncrypted(executions, 2);
      return true;
    });
  });

  test('gets an error from Temporal’s own client, and the client with the key gets everything', async () => {
    await expect(stranger.workflow.getHandle(executionOf(id).workflowId).query('progress')).rejects.toThrow(
      /binary\/encrypted/,
    );
    const handle = site.temporal.workflow.getHandle(executionOf(id).workflowId);
    const failure: unknown = await handle.result().catch((error: unknown) => error);
    expect(failure).toMatchObject({
      cause: {
        type: 'SubmissionUnresolved',
        message: expect.stringContaining('operator abandoned') as string,
      },
    });
  });
});

test('records that come with the input are in Temporal, and nobody without the key reads them there', async () => {
  const site = await environment.site('inline');
  await site.startWorker();
  const externalBatchId = 'inline-1';
  const records = [testRecord(1, 2), testRecord(2)];
  const handle = await site.temporal.workflow.start('batchEnrollment', {
    workflowId: executionOf(externalBatchId).workflowId,
    taskQueue: 'c2p-inline',
    args: [{ program: PROGRAM, externalBatchId, records: { inline: records }, policy: QUICK }],
  });
  expect(await handle.result()).toMatchObject({ status: 'COMPLETED', counts: { cards: 3, enrolled: 3 } });

  const needles: Needle[] = records.flatMap(({ externalConsumerId: of, consumer, cards }) => [
    ...cards.flatMap((card) => needlesOf(card.externalCardId, card.primaryAccountNumber)),
    ...[consumer.emailAddress, consumer.lastName, consumer.mobileNumber.phoneNumber].flatMap((text) =>
      needlesOf(of, text),
    ),
    clearNeedle(of, of),
  ]);
  const bytes = Buffer.from(History.encode(await historyOf(externalBatchId)).finish());
  expectEncrypted(await historyOf(externalBatchId), 15);
  expect(findLeaks([{ name: 'history', bytes }], needles)).toEqual([]);
  expect(await site.blobs(externalBatchId)).toEqual(['closed', 'offered-1', 'outcomes']);
  expect(await site.client.batch(externalBatchId).outcomes()).toHaveLength(3);
});

test.concurrent(
  'a worker with the codec refuses what a client without it starts, and nothing is sent',
  async () => {
    const site = await environment.site('mixed');
    const worker = await site.startWorker();
    const externalBatchId = 'mixed';
    await configureCodec(site, false);
    const batch = await (
      await site.clientNow()
    ).enroll({ externalBatchId, program: PROGRAM, records: testRecords(1) });
    await until(async () => (await batch.execution()) === 'FAILED');
    expect(site.simulator.accepted()).toEqual([]);
    const refused = 'not written with the key ring of the workers (clear)';
    await until(async () => (await readFile(worker.logFile, 'utf8')).includes(refused));
  },
);

test.concurrent('a batch with a cron schedule is refused each time', async () => {
  const site = await environment.site('cron');
  await site.startWorker();
  const { workflowId } = executionOf('cron');
  const input = { program: PROGRAM, externalBatchId: 'cron', records: { inline: testRecords(1) } };
  const handle = await site.temporal.workflow.start('batchEnrollment', {
    workflowId,
    taskQueue: 'c2p-cron',
    cronSchedule: '@every 1s',
    args: [input],
  });
  await until(
    async () =>
      (await handle.describe()).raw.workflowExecutionInfo?.firstRunId !== (await handle.describe()).runId,
  );
  await handle.terminate('a test');
  expect(site.simulator.accepted()).toEqual([]);
  expect(await site.blobs('cron')).toEqual([]);
});

test('a client of Temporal without the codec is refused', async () => {
  const site = await environment.site('refused');
  const config = await loadConfig(site.configPath);
  const keyRing = await openKeyRing(config.dataKeys);
  const parts = { config, store: site.store, keyRing };
  expect(() => EnrollmentClient.using({ ...parts, temporal: stranger })).toThrow(CodecMissingError);
});

async function configureCodec({ configPath }: RealSite, codec: boolean): Promise<void> {
  const config = JSON.parse(await readFile(configPath, 'utf8')) as object;
  await writeFile(configPath, JSON.stringify({ ...config, codec }));
}

interface FailureMessage {
  message?: string | null;
  stackTrace?: string | null;
}

/** Every failure in a message of Temporal's API, however deep. */
function failuresIn(message: unknown): FailureMessage[] {
  if (typeof message !== 'object' || message === null || ArrayBuffer.isView(message)) return [];
  const own = 'encodedAttributes' in message && message.encodedAttributes ? [message as FailureMessage] : [];
  return [...own, ...Object.values(message).flatMap(failuresIn)];
}
