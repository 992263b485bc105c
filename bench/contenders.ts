import { Client } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, Worker, type WorkerOptions } from '@temporalio/worker';
import { fileURLToPath } from 'node:url';
import { answering, createGatewayActivities, createLocalActivities } from '../activities/index.js';
import { EnrollmentClient } from '../client/enrollment-client.js';
import { DEFAULT_GRACE_MS, type ProgramConfig } from '../config/config.js';
import { gatewayTaskQueue } from '../enrollment/identifiers.js';
import type { EnrollmentRecord } from '../enrollment/records.js';
import { batchEnroll } from '../mastercard/api/batch-enroll.js';
import type { Recipient } from '../mastercard/jwe.js';
import { protectedDataConverter, workerDataConverter } from '../protection/data-converter.js';
import type { KeyRing } from '../protection/key-ring.js';
import type { BatchStore } from '../store/store.js';
import { workflowSource } from '../worker/workflow-bundle.js';
import { bareActivities } from './bare-activities.js';
import type { bareEnrollment } from './bare-workflow.js';
import { InstantGateway } from './instant-gateway.js';

const PROGRAM = 'demo';

/** One of those that are compared. */
export interface Contender {
  /** Workers of its two task queues. */
  workers: Worker[];
  /** Carries one batch from its start to its end. */
  runBatch(id: string): Promise<void>;
}

/** What all of them have in common. */
export interface Track {
  temporal: Client;
  target: Pick<WorkerOptions, 'connection' | 'namespace'>;
  /** Of each batch; the last one finds it done. */
  polls: number;
  pollEveryMs: number;
}

export interface C2pOptions {
  /** Of the workers. */
  taskQueue: string;
  /** What every batch consists of. */
  records: EnrollmentRecord[];
  recipient: Recipient;
  store: BatchStore;
  keyRing: KeyRing;
}

/**
 * c2p itself: its client, workflow, activities and encryption. Mastercard is left out: the gateway
 * answers at once, and takes as many calls as come.
 */
export async function createC2p(
  track: Track,
  { taskQueue, records, recipient, store, keyRing }: C2pOptions,
): Promise<Contender> {
  const gateway = new InstantGateway(records, track.polls);
  const deps = {
    store,
    keyRing,
    graceMs: DEFAULT_GRACE_MS,
    now: () => new Date(),
    recordRules: () => batchEnroll.records,
    program: () => ({
      api: batchEnroll,
      gateway,
      recipient: () => Promise.resolve(recipient),
      contentEncryption: 'A128GCM' as const,
      maxCardsPerBatch: records.length,
      policy: {},
    }),
  };
  const dataConverter = protectedDataConverter(keyRing);
  const { connection, options } = track.temporal;
  const temporal = new Client({ connection, namespace: options.namespace, dataConverter });
  const config = { taskQueue, programs: { [PROGRAM]: program(track, records.length) } };
  const client = EnrollmentClient.using({ config, temporal, store, keyRing });
  return {
    workers: await createWorkers(
      track,
      taskQueue,
      {
        ...(await workflowSource()),
        dataConverter: workerDataConverter(keyRing),
      },
      [answering(createLocalActivities(deps)), answering(createGatewayActivities(deps))],
    ),
    async runBatch(externalBatchId) {
      const batch = await client.enroll({ externalBatchId, program: PROGRAM, records });
      const { status } = await batch.result();
      if (status !== 'COMPLETED') throw new Error(`batch ${externalBatchId} ended as ${status}`);
    },
  };
}

/** A workflow with the same activities and timers, all of which do nothing. */
export async function createBare(track: Track): Promise<Contender> {
  const taskQueue = 'bare';
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('./bare-workflow.js', import.meta.url)),
    logger: new DefaultLogger('WARN'),
  });
  const { polls, pollEveryMs } = track;
  return {
    workers: await createWorkers(track, taskQueue, { workflowBundle }, [bareActivities, bareActivities]),
    async runBatch(workflowId) {
      await track.temporal.workflow.execute<typeof bareEnrollment>('bareEnrollment', {
        taskQueue,
        workflowId,
        args: [{ polls, pollEveryMs, program: PROGRAM }],
      });
    },
  };
}

async function createWorkers(
  { target }: Track,
  taskQueue: string,
  workflows: Pick<WorkerOptions, 'workflowBundle' | 'dataConverter'>,
  [local, gateway]: [object, object],
): Promise<Worker[]> {
  return [
    await Worker.create({ ...target, ...workflows, taskQueue, activities: local, maxCachedWorkflows: 500 }),
    await Worker.create({
      ...target,
      dataConverter: workflows.dataConverter,
      taskQueue: gatewayTaskQueue(taskQueue, PROGRAM),
      activities: gateway,
      maxHeartbeatThrottleInterval: '5s',
    }),
  ];
}

function program({ pollEveryMs }: Track, maxCardsPerBatch: number): ProgramConfig {
  return {
    api: batchEnroll,
    baseUrl: 'http://127.0.0.1:1',
    srcClientId: '5e0d4b84-189d-4c86-822d-590602f62062',
    serviceId: 'SRC',
    consumerKey: 'client!key',
    signingKey: { path: 'unused' },
    encryptionKey: { path: 'unused' },
    contentEncryption: 'A128GCM',
    maxCardsPerBatch,
    requestsPerSecond: 10_000,
    policy: { polling: { initial: pollEveryMs, coefficient: 1, maximum: pollEveryMs, jitter: 0 } },
  };
}
