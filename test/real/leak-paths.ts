import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import type { EnrollmentClient } from '../../client/enrollment-client.js';
import { BatchInvalidError } from '../../client/errors.js';
import { isClosed, type BatchStatus } from '../../enrollment/batch.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import type { PolicyInput } from '../../enrollment/policy-schema.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import type { CardTriggerName, Simulator } from '../../simulator/index.js';
import type { batchEnrollment } from '../../workflows/index.js';
import type { BatchProgress } from '../../workflows/batch/messages.js';

/** A way that a batch can go, from its start to its end. */
export interface LeakPath {
  /** What happens, and the program that it happens to. */
  name: string;
  ends: BatchStatus;
  /** What becomes of each card: a trigger of the simulator, enrolled, or invalid. */
  cards: (CardTriggerName | 'ENROLLED' | 'INVALID')[];
  /** Over that polls come quickly. */
  policy?: PolicyInput;
  externalBatchId?: string;
  /** Started with the records in the workflow's input, as by a client that has no store. */
  inline?: true;
  /** The simulator's settings before the batch is enrolled. */
  simulate?: (simulator: Simulator) => void;
  /** What is done to the batch, one after the other, each as soon as it is there. */
  acts?: Act[];
}

interface Act {
  when: (progress: BatchProgress) => boolean;
  act: (batch: EnrollmentBatch, simulator: Simulator) => Promise<void> | void;
}

const FOR_LONG_MS = 24 * 3_600_000;
const QUICK = { initial: '300ms', maximum: '300ms' } as const;
const LATE = { ...QUICK, deadline: '1s' } as const;

const asked = (question: BatchProgress['question']) => (progress: BatchProgress) =>
  progress.question === question;
const polled = ({ polling, nextPollAt }: BatchProgress) =>
  (polling?.polls ?? 0) > 0 && nextPollAt !== undefined;
const abandons = (batch: EnrollmentBatch) => batch.resolve({ abandon: true });

async function pollsOnce(batch: EnrollmentBatch): Promise<void> {
  const polls = async () => (await batch.progress()).polling?.polls;
  const before = await polls();
  await batch.pollNow();
  while ((await polls()) === before) await delay(20);
}

function takesLong(simulator: Simulator): void {
  simulator.configure({ processingMs: FOR_LONG_MS });
}

function isDone(simulator: Simulator): void {
  simulator.configure({ processingMs: 0 });
}

/** Mastercard takes the batch, its answer is lost, and it does not tell the batchId afterwards. */
function losesBatchId(simulator: Simulator): void {
  simulator.configure({ duplicates: 'withoutBatchId' });
  simulator.fault({ operation: 'enroll', fault: { kind: 'dropAfter' } });
}

/** Every way that a batch can end, and the questions on the way, on a real system. */
export const leakPaths: readonly LeakPath[] = [
  { name: 'completed', ends: 'COMPLETED', cards: ['ENROLLED', 'ENROLLED'] },
  {
    name: 'completed-with-errors',
    ends: 'COMPLETED_WITH_ERRORS',
    cards: ['ENROLLED', 'ISSUER_DECLINED', 'INVALID', 'RECORD_MISSING'],
  },
  {
    name: 'completed-in-the-second-round',
    ends: 'COMPLETED',
    cards: ['ENROLLED', 'NO_RESPONSE_FROM_ISSUER_ONCE'],
    policy: { retryFailedRecords: { maxRounds: 3, delay: '200ms' } },
  },
  {
    name: 'completed-after-throttling-and-a-lost-answer',
    ends: 'COMPLETED',
    cards: ['ENROLLED'],
    simulate(simulator) {
      simulator.fault({ operation: 'enroll', fault: { kind: 'status', status: 429, retryAfter: 1 } });
      simulator.fault({ operation: 'enroll', fault: { kind: 'dropAfter' } });
    },
  },
  {
    name: 'completed-with-an-operators-batch-id',
    ends: 'COMPLETED',
    cards: ['ENROLLED'],
    simulate: losesBatchId,
    acts: [
      {
        when: asked('batchId'),
        act: (batch) => batch.resolve({ batchId: 'wrong' }).catch(() => undefined),
      },
      {
        when: asked('batchId'),
        act(batch, simulator) {
          const known = simulator.accepted().find((one) => one.externalBatchId === batch.externalBatchId)!;
          return batch.resolve({ batchId: known.batchId });
        },
      },
    ],
  },
  {
    name: 'completed-with-more-time-and-another-policy',
    ends: 'COMPLETED',
    cards: ['ENROLLED'],
    policy: { polling: LATE, onPollingDeadline: 'askOperator' },
    simulate: takesLong,
    acts: [
      {
        when: asked('moreTime'),
        act: (batch) => batch.extendDeadline({ until: new Date(Date.now() + FOR_LONG_MS) }),
      },
      {
        when: polled,
        act: (batch) => batch.updatePolicy({ polling: { maximum: '400ms' }, onCancel: 'leave' }),
      },
      { when: polled, act: (_, simulator) => isDone(simulator) },
    ],
  },
  {
    name: 'inline-completed-with-errors',
    ends: 'COMPLETED_WITH_ERRORS',
    cards: ['ENROLLED', 'ISSUER_DECLINED', 'INVALID'],
    inline: true,
  },
  // Without records: nothing is taken in.
  { name: 'inline-refused', ends: 'FAILED', cards: [], inline: true },
  { name: 'rejected', ends: 'REJECTED', cards: ['INVALID'] },
  {
    name: 'rejected-by-mastercard',
    ends: 'REJECTED',
    cards: ['ENROLLED'],
    simulate: (simulator) =>
      simulator.fault({
        operation: 'enroll',
        fault: { kind: 'status', status: 400, reason: 'INVALID_ARGUMENT' },
      }),
  },
  { name: 'failed', ends: 'FAILED', cards: ['ENROLLED'], externalBatchId: 'sim-batch-failed-golden' },
  {
    name: 'failed-configuration-invalid',
    ends: 'FAILED',
    cards: ['ENROLLED'],
    simulate: (simulator) => simulator.fault({ operation: 'enroll', fault: { kind: 'status', status: 401 } }),
  },
  {
    name: 'failed-submission-unresolved',
    ends: 'FAILED',
    cards: ['ENROLLED'],
    simulate: losesBatchId,
    acts: [{ when: asked('batchId'), act: abandons }],
  },
  {
    name: 'failed-compensation',
    ends: 'FAILED',
    cards: ['ENROLLED', 'ISSUER_DECLINED'],
    policy: { onPartialFailure: 'rollback' },
    simulate: (simulator) =>
      simulator.fault({ operation: 'deleteCard', times: 9, fault: { kind: 'status', status: 400 } }),
    acts: [{ when: asked('removal'), act: (batch) => batch.retryRollback({ abandon: true }) }],
  },
  { name: 'expired', ends: 'EXPIRED', cards: ['ENROLLED'], policy: { polling: LATE }, simulate: takesLong },
  {
    name: 'expired-by-an-operator',
    ends: 'EXPIRED',
    cards: ['ENROLLED'],
    policy: { polling: LATE, onPollingDeadline: 'askOperator' },
    simulate: takesLong,
    acts: [
      { when: asked('moreTime'), act: pollsOnce },
      {
        when: asked('moreTime'),
        act: (batch) => batch.extendDeadline({ abandon: true }),
      },
    ],
  },
  {
    name: 'rolled-back',
    ends: 'ROLLED_BACK',
    cards: ['ENROLLED', 'ISSUER_DECLINED'],
    policy: { onPartialFailure: 'rollback' },
  },
  {
    name: 'rolled-back-at-the-second-attempt',
    ends: 'ROLLED_BACK',
    cards: ['ENROLLED', 'ISSUER_DECLINED'],
    policy: { onPartialFailure: 'rollback' },
    simulate: (simulator) =>
      simulator.fault({ operation: 'deleteCard', fault: { kind: 'status', status: 400 } }),
    acts: [{ when: asked('removal'), act: (batch) => batch.retryRollback({ retry: true }) }],
  },
  {
    name: 'cancelled-before-it-was-accepted',
    ends: 'CANCELLED',
    cards: ['ENROLLED'],
    simulate: (simulator) =>
      simulator.fault({ operation: 'enroll', fault: { kind: 'status', status: 503, retryAfter: 60 } }),
    acts: [
      {
        when: ({ submission }) => submission?.nextAttemptAt !== undefined,
        act: (batch, simulator) => {
          simulator.clearFaults();
          return batch.cancel();
        },
      },
    ],
  },
  {
    name: 'cancelled-and-taken-back',
    ends: 'CANCELLED',
    cards: ['ENROLLED', 'ENROLLED'],
    policy: { polling: { initial: '1s', maximum: '1s' } },
    simulate: takesLong,
    acts: [
      {
        when: polled,
        act(batch, simulator) {
          isDone(simulator);
          return batch.cancel();
        },
      },
    ],
  },
  {
    name: 'cancelled-and-left',
    ends: 'CANCELLED',
    cards: ['ENROLLED'],
    policy: { onCancel: 'leave', polling: { initial: '1s', maximum: '1s' } },
    simulate: takesLong,
    acts: [{ when: polled, act: (batch) => batch.cancel() }],
  },
  {
    name: 'cancelled-while-an-operator-was-asked',
    ends: 'CANCELLED',
    cards: ['ENROLLED'],
    simulate: losesBatchId,
    acts: [{ when: asked('batchId'), act: (batch) => batch.cancel() }],
  },
];

/** How long a path may take. */
const WITHIN_MS = 60_000;
/** How often it is looked how far a batch is. */
const EVERY_MS = 400;

export interface PathPlace {
  client: EnrollmentClient;
  /** Of the same namespace, for batches that start without the client. */
  temporal: Client;
  taskQueue: string;
  /** Mastercard, for this batch alone while it is on its way. */
  simulator: Simulator;
  program: string;
  /** One a card of the path, each to have the fate that the path has for it. */
  records: EnrollmentRecord[];
}

/**
 * Takes a batch along the path to its end.
 * @throws Error when it comes to another end, or to none.
 */
export async function followPath(path: LeakPath, place: PathPlace): Promise<EnrollmentBatch> {
  const { simulator } = place;
  path.simulate?.(simulator);
  const batch = await start(path, place);
  const acts = [...(path.acts ?? [])];
  for (const deadline = Date.now() + WITHIN_MS; ; await delay(EVERY_MS)) {
    const progress = await batch.progress();
    if (isClosed(progress.status)) {
      if (progress.status !== path.ends || acts.length > 0)
        throw new Error(`${path.name} ended ${progress.status}, with ${acts.length} acts to go`);
      await batch.result().catch((error: unknown) => {
        // Of a batch that was refused there is none.
        if (!(error instanceof BatchInvalidError)) throw error;
      });
      return batch;
    }
    if (acts[0]?.when(progress)) await acts.shift()!.act(batch, simulator);
    if (Date.now() > deadline) throw new Error(`${path.name} is still ${progress.status}`);
  }
}

/** Inline: as a client in another language does. */
async function start(
  path: LeakPath,
  { client, temporal, taskQueue, program, records }: PathPlace,
): Promise<EnrollmentBatch> {
  const key = { program, externalBatchId: path.externalBatchId ?? path.name };
  const policy = { polling: QUICK, submission: { initial: '300ms' }, ...path.policy } as const;
  if (!path.inline) return client.enroll({ ...key, records, policy });
  await temporal.workflow.start<typeof batchEnrollment>('batchEnrollment', {
    workflowId: workflowIdOf(key),
    taskQueue,
    args: [{ ...key, records: { inline: records }, policy }],
  });
  return client.batch(key.externalBatchId, program);
}
