import { setTimeout as delay } from 'node:timers/promises';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BulkEnrollment, BulkView } from '../client/bulk-enrollment.js';
import {
  bulkBatchId,
  bulkWorkflowIdOf,
  DEFAULT_BULK_LIMITS,
  isBulkClosed,
  type BulkLimits,
  type BulkStatus,
  type OnBulkCancel,
} from '../enrollment/bulk.js';
import { resolvePolicy } from '../enrollment/policy.js';
import { parsePolicy } from '../enrollment/policy-schema.js';
import type { Simulator } from '../simulator/index.js';
import type { bulkEnrollment } from '../workflows/index.js';
import type { PathPlace } from './golden-paths.js';

/** A way that a bulk job can go, from its start to its end. */
export interface GoldenBulkPath {
  /** What happened, as in the name of the file. */
  name: string;
  ends: BulkStatus;
  /** Of one card each; two go into a batch. */
  consumers: number;
  limits?: Partial<BulkLimits>;
  onCancel?: OnBulkCancel;
  /** Behind the consumers. */
  badRows?: number;
  simulate?: (simulator: Simulator) => void;
  /** What is done to the job, one after the other, each as soon as it is there. */
  acts?: {
    when: (progress: BulkView) => boolean;
    act: (job: BulkEnrollment, place: ActPlace) => Promise<void> | void;
  }[];
}

/** What an act has at hand; `source` is the path of the job's file. */
type ActPlace = Pick<PathPlace, 'client' | 'simulator' | 'records'> & { source: string };

const FOR_LONG_MS = 24 * 3_600_000;
const inFlight = (count: number) => (progress: BulkView) => progress.batches?.inFlight === count;
const closed = (count: number) => (progress: BulkView) =>
  Object.values(progress.batches?.byStatus ?? {}).reduce((sum, batches) => sum + batches, 0) >= count;

/** Every way that a job can end, and the ways that lead there through what the workflow does differently. */
export const goldenBulkPaths: readonly GoldenBulkPath[] = [
  { name: 'bulk-completed', ends: 'COMPLETED', consumers: 5 },
  {
    name: 'bulk-completed-with-errors-after-a-pause-at-a-rate',
    ends: 'COMPLETED_WITH_ERRORS',
    consumers: 6,
    badRows: 1,
    limits: { maxBatchesInFlight: 1 },
    acts: [
      { when: closed(1), act: (job) => job.pause() },
      { when: inFlight(0), act: (job) => job.change({ maxBatchesInFlight: 2, batchesPerMinute: 120 }) },
      { when: () => true, act: (job) => job.resume() },
    ],
  },
  {
    name: 'bulk-handed-over-to-further-runs',
    ends: 'COMPLETED',
    consumers: 24,
    limits: { maxBatchesInFlight: 3 },
  },
  {
    name: 'bulk-cancelled-and-finished',
    ends: 'CANCELLED',
    consumers: 8,
    limits: { maxBatchesInFlight: 2 },
    simulate: (simulator) => simulator.configure({ processingMs: FOR_LONG_MS }),
    acts: [
      {
        when: inFlight(2),
        async act(job, { simulator }) {
          await job.cancel({ rollback: false });
          simulator.configure({ processingMs: 0 });
        },
      },
    ],
  },
  {
    name: 'bulk-cancelled-and-taken-back',
    ends: 'CANCELLED',
    consumers: 24,
    limits: { maxBatchesInFlight: 3 },
    onCancel: 'rollback',
    acts: [{ when: closed(4), act: (job) => job.cancel() }],
  },
  {
    name: 'bulk-failed-source-changed',
    ends: 'FAILED',
    consumers: 8,
    limits: { maxBatchesInFlight: 1 },
    acts: [{ when: closed(1), act: (_, { source }) => appendFile(source, '{}\n') }],
  },
  {
    name: 'bulk-failed-an-id-taken',
    ends: 'FAILED',
    consumers: 8,
    limits: { batchesPerMinute: 1 },
    acts: [
      {
        when: closed(1),
        async act({ bulkId, key }, { client, records }) {
          const externalBatchId = bulkBatchId(bulkId, 2);
          const other = { program: key.program, externalBatchId, records: records.slice(0, 1) };
          await (await client.enroll(other)).result();
        },
      },
      { when: () => true, act: (job) => job.change({ maxBatchesInFlight: 3 }) },
      { when: () => true, act: (job) => job.change({ batchesPerMinute: null }) },
    ],
  },
];

/** How long a path may take. */
const WITHIN_MS = 120_000;

/**
 * Takes a job along the path to its end.
 * @param place whose records are one a consumer of the path.
 * @throws Error when it comes to another end, or to none.
 */
export async function followBulkPath(
  path: GoldenBulkPath,
  { client, temporal, taskQueue, simulator, program, records }: PathPlace,
  folder: string,
): Promise<BulkEnrollment> {
  const key = { program, bulkId: path.name };
  const source = join(folder, `${path.name}.jsonl`);
  const rows = [
    ...records.map((record) => JSON.stringify(record)),
    ...Array<string>(path.badRows ?? 0).fill('x'),
  ];
  await writeFile(source, rows.map((row) => `${row}\n`).join(''));
  path.simulate?.(simulator);
  // Not by the client: batches are to be small.
  await temporal.workflow.start<typeof bulkEnrollment>('bulkEnrollment', {
    workflowId: bulkWorkflowIdOf(key),
    taskQueue,
    args: [
      {
        ...key,
        source: { path: `${path.name}.jsonl` },
        maxCardsPerBatch: 2,
        limits: { ...DEFAULT_BULK_LIMITS, ...path.limits },
        onCancel: path.onCancel ?? 'finish',
        policy: resolvePolicy(
          parsePolicy(
            { polling: { initial: '300ms', maximum: '300ms' }, submission: { initial: '300ms' } },
            {},
          ),
        ),
      },
    ],
  });
  const job = client.bulk(path.name, program);
  const acts = [...(path.acts ?? [])];
  for (const deadline = Date.now() + WITHIN_MS; ; await delay(20)) {
    const progress = await job.progress();
    if (isBulkClosed(progress.status)) {
      if (progress.status !== path.ends || acts.length > 0)
        throw new Error(`${path.name} ended ${progress.status}, with ${acts.length} acts to go`);
      await job.result();
      return job;
    }
    if (acts[0]?.when(progress)) await acts.shift()!.act(job, { client, simulator, records, source });
    if (Date.now() > deadline) throw new Error(`${path.name} is still ${progress.status}`);
  }
}
