import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Blob } from '../../enrollment/blobs.js';
import {
  bulkAddress,
  bulkBatchId,
  bulkWorkflowIdOf,
  type BulkResult,
  type ClosedBulk,
  type ClosedBulkStatus,
} from '../../enrollment/bulk.js';
import type { FailureType } from '../../enrollment/errors.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import { resolvePolicy } from '../../enrollment/policy.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { getJson } from '../../store/store.js';
import {
  bulkProgressQuery,
  changeBulkUpdate,
  pauseBulkUpdate,
  resumeBulkUpdate,
} from '../../workflows/bulk/messages.js';
import type { BulkEnrollmentInput, BulkProgress } from '../../workflows/index.js';
import {
  type BulkHandle,
  cancelJob,
  enrollingEverything,
  startBulk,
  untilTheyWait,
  writePortfolio,
} from '../support/bulk-rig.js';
import { message } from '../support/message.js';
import { testRecord, testRecords } from '../support/records.js';
import { PROGRAM, type Rig } from '../support/rig.js';
import type { ScriptedGateway } from '../support/scripted-gateway.js';
import { until } from '../support/until.js';
import { passingUntil, type Scenario } from './scenario.js';

/** What happens to a job that bears the name of the way; three cards go into a batch. */
export interface JobWay {
  name: string;
  ends: ClosedBulkStatus;
  failure?: FailureType;
  portfolio: (EnrollmentRecord | string)[];
  /** How the job is started. */
  input?: Partial<BulkEnrollmentInput>;
  /** By default it enrolls every card. */
  mastercard?: (rig: Rig, bulkId: string) => ScriptedGateway;
  /** What is there before the job is. */
  before?: (rig: Rig, bulkId: string, taskQueue: string) => Promise<void>;
  /** What somebody does to the job. */
  act?: (job: BulkHandle, rig: Rig, gateway: ScriptedGateway) => Promise<void>;
}

function jobScenario(way: JobWay, isHandedOver = false): Scenario {
  const { ends, failure } = way;
  const name = isHandedOver ? `handed-over-${way.name}` : way.name;
  const play = async (rig: Rig) => {
    const { status, failure: type } = await takeJob({ ...way, name }, rig);
    const first = { program: PROGRAM, externalBatchId: bulkBatchId(name, 1) };
    const workflows = {
      [name]: bulkWorkflowIdOf({ program: PROGRAM, bulkId: name }),
      // One that reports to a job, and, where that took it back, one that begins with that.
      [`${name}-batch-1`]: workflowIdOf(first),
    };
    return { ends: status, failure: type, workflows };
  };
  return { of: 'job', name, ends, failure, isHandedOver, inRealTime: isHandedOver, play };
}

/** @returns how it ended, as the store remembers it. */
export async function takeJob(
  way: JobWay,
  rig: Rig,
  activityInterceptors: ActivityInterceptorsFactory[] = [],
): Promise<BulkResult> {
  const { name: bulkId, portfolio, input, mastercard = enrollingEverything, before, act } = way;
  await writePortfolio(rig, bulkId, portfolio);
  const gateway = mastercard(rig, bulkId);
  const taskQueue = rig.nextBatchId('c2p-scenario');
  const [workflows, calls] = await rig.createWorkers({ taskQueue, gateway, activityInterceptors });
  await workflows.runUntil(
    calls.runUntil(async () => {
      await before?.(rig, bulkId, taskQueue);
      const job = await startBulk(rig, taskQueue, bulkId, { policy: policyOf(rig), ...input });
      await act?.(job, rig, gateway);
      await job.result().catch(() => undefined);
    }),
  );
  const address = bulkAddress({ program: PROGRAM, bulkId });
  return (await getJson<ClosedBulk>(rig.store, address, Blob.closed)).result;
}

const ONE_AT_A_TIME = { limits: { maxBatchesInFlight: 1, batchesPerMinute: null } };
/** In real time polls come quickly. */
const policyOf = ({ env }: Rig) =>
  resolvePolicy(env.supportsTimeSkipping ? {} : { polling: { initial: 3_000, maximum: 3_000 } });

async function progress(job: BulkHandle): Promise<BulkProgress> {
  return job.query(bulkProgressQuery);
}

const completed: JobWay = { name: 'job-completed', ends: 'COMPLETED', portfolio: testRecords(5) };

const pausedAndAtARate: JobWay = {
  name: 'job-completed-with-errors-after-a-pause',
  ends: 'COMPLETED_WITH_ERRORS',
  portfolio: [...testRecords(9), 'no JSON'],
  input: ONE_AT_A_TIME,
  async act(job, rig, gateway) {
    await until(() => gateway.submissions.length === 1);
    await job.executeUpdate(pauseBulkUpdate, { args: message(pauseBulkUpdate, {}) });
    await passingUntil(rig, async () => (await progress(job)).batches.inFlight === 0);
    const change = { maxBatchesInFlight: 2, batchesPerMinute: 120, onCancel: 'rollback' } as const;
    await job.executeUpdate(changeBulkUpdate, { args: message(changeBulkUpdate, change) });
    await job.executeUpdate(resumeBulkUpdate, { args: message(resumeBulkUpdate, {}) });
  },
};

const finished: JobWay = {
  name: 'job-cancelled-and-finished',
  ends: 'CANCELLED',
  portfolio: testRecords(12),
  input: { limits: { maxBatchesInFlight: 2, batchesPerMinute: null } },
  async act(job, rig, gateway) {
    await until(() => gateway.submissions.length === 2);
    await untilTheyWait(rig, job.key.bulkId, [1, 2]);
    await cancelJob(job);
  },
};

/** The first batch is closed by then, and the two behind it are in flight. */
const takenBack: JobWay = {
  name: 'job-cancelled-and-taken-back',
  ends: 'CANCELLED',
  portfolio: testRecords(9),
  input: { limits: { maxBatchesInFlight: 2, batchesPerMinute: null }, onCancel: 'rollback' },
  mastercard: (rig, bulkId) => enrollingEverything(rig, { onlyAtFirst: bulkBatchId(bulkId, 1) }),
  async act(job, rig, gateway) {
    await passingUntil(rig, () => gateway.submissions.length === 3, '1s');
    await untilTheyWait(rig, job.key.bulkId, [2, 3]);
    await cancelJob(job);
  },
};

export const jobWays: JobWay[] = [
  completed,
  pausedAndAtARate,
  finished,
  takenBack,
  {
    name: 'job-completed-though-cancelled-in-temporal',
    ends: 'COMPLETED',
    portfolio: testRecords(12),
    input: ONE_AT_A_TIME,
    async act(job, rig, gateway) {
      await until(() => gateway.submissions.length === 1);
      await job.cancel();
      await passingUntil(rig, async () => (await progress(job)).status === 'PAUSED', '1s');
      await job.executeUpdate(resumeBulkUpdate, { args: message(resumeBulkUpdate, {}) });
    },
  },
  {
    name: 'job-completed-with-errors-after-a-batch-was-terminated',
    ends: 'COMPLETED_WITH_ERRORS',
    portfolio: testRecords(6),
    async act(job, rig, gateway) {
      await until(() => gateway.submissions.length === 2);
      await untilTheyWait(rig, job.key.bulkId, [1, 2]);
      await rig.workflow(bulkBatchId(job.key.bulkId, 2)).terminate('a scenario');
    },
  },
  {
    name: 'job-failed-source-changed',
    ends: 'FAILED',
    failure: 'SourceChanged',
    // More than the first page has.
    portfolio: testRecords(12),
    input: ONE_AT_A_TIME,
    mastercard: (rig, bulkId) =>
      enrollingEverything(rig, {
        onSubmit: () =>
          appendFile(join(rig.sourceFolder, `${bulkId}.jsonl`), `${JSON.stringify(testRecord(99))}\n`),
      }),
  },
  {
    name: 'job-failed-an-id-taken',
    ends: 'FAILED',
    failure: 'BatchIdTaken',
    portfolio: testRecords(9),
    input: ONE_AT_A_TIME,
    async before(rig, bulkId, taskQueue) {
      const key = { program: PROGRAM, externalBatchId: bulkBatchId(bulkId, 2) };
      const other = await rig.client({ taskQueue }).enroll({ ...key, records: [testRecord(99)] });
      await other.result();
    },
  },
];

export const jobScenarios: Scenario[] = [
  ...jobWays.map((way) => jobScenario(way)),
  ...[completed, pausedAndAtARate, finished, takenBack].map((way) => jobScenario(way, true)),
];
