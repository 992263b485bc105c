import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import type { EnrollmentClient } from '../../client/enrollment-client.js';
import { BatchInvalidError } from '../../client/errors.js';
import { isClosed, type BatchStatus } from '../../enrollment/batch.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import type { PolicyInput } from '../../enrollment/policy-schema.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import type { BatchEffect, CardEffect, CardTriggerName, Simulator } from '../../simulator/index.js';
import type { batchEnrollment } from '../../workflows/index.js';
import type { BatchProgress } from '../../workflows/batch/messages.js';
import { NUMBER_SPELLINGS, TEXT_SPELLINGS } from '../support/spellings.js';

/** A way that a batch can go, from its start to its end. */
export interface LeakPath {
  /** What happens. */
  name: string;
  /** Whose batch it is; default: a program of the same name. */
  program?: string;
  ends: BatchStatus;
  /** What becomes of each card: a trigger of the simulator, enrolled, or invalid. */
  cards: (CardTriggerName | 'ENROLLED' | 'INVALID')[];
  /** Over that polls come quickly. */
  policy?: PolicyInput;
  externalBatchId?: string;
  /** Started with the records in the workflow's input, as by a client that has no store. */
  inline?: true;
  /** What a hostile Mastercard says of a card, in the words of its own record; `card` counts from 0. */
  saysOfCard?: (record: EnrollmentRecord, card: number) => CardEffect;
  /** What it says of the batch, in the words of its records. */
  saysOfBatch?: (records: EnrollmentRecord[]) => BatchEffect;
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

/** Mastercard is done with a batch when somebody cancels it. */
const cancelledWhenDone: Act = {
  when: polled,
  act(batch, simulator) {
    isDone(simulator);
    return batch.cancel();
  },
};

/** Mastercard takes the batch, its answer is lost, and it does not tell the batchId afterwards. */
function losesBatchId(simulator: Simulator): void {
  simulator.configure({ duplicates: 'withoutBatchId' });
  simulator.fault({ operation: 'enroll', fault: { kind: 'dropAfter' } });
}

const SPELLERS = Object.values(NUMBER_SPELLINGS);
/** Of an e-mail address: in other spellings nothing distinguishes it from other words. */
const EMAIL_SPELLERS = ['as it is', 'in capitals', 'in full width', 'percent', 'percent twice'].map(
  (spelling) => TEXT_SPELLINGS[spelling]!,
);

/** The values of a record by which a person or a card is known, in the nth spelling. */
function spelled(record: EnrollmentRecord, nth: number): { pan: string; phone: string; email: string } {
  const { emailAddress, mobileNumber } = record.consumer;
  const spell = SPELLERS[nth % SPELLERS.length]!;
  return {
    pan: spell(record.cards[0]!.primaryAccountNumber),
    phone: spell(mobileNumber.phoneNumber),
    email: EMAIL_SPELLERS[nth % EMAIL_SPELLERS.length]!(emailAddress),
  };
}

/** An error that repeats the values wherever it has a text. */
function quoting(record: EnrollmentRecord, nth: number) {
  const { pan, phone, email } = spelled(record, nth);
  const details = [pan, phone, email].map((value) => ({
    reason: `NO_${value}`,
    source: `cards.${value}`,
    sourceType: 'BODY',
    message: `there is ${value}, which is declined`,
  }));
  return { reason: `OF_${pan}`, message: `${phone} of ${email} has ${pan}`, errordetail: details };
}

const saysIds: LeakPath['saysOfCard'] = (record, nth) => {
  const { pan, phone } = spelled(record, nth);
  // Without a plus sign, nothing distinguishes a phone number from an id.
  return { kind: 'succeed', srcConsumerId: `of-+49${phone}`, srcDigitalCardId: `card-${pan}` };
};

/** What can stand in an id that Mastercard gives a batch. */
const ID_SPELLERS = SPELLERS.filter((spell) => /^[\x21-\x7e]+$/.test(spell('5186001700009726')));

/** Answers that repeat what was sent, spelt in every way. */
const hostilePaths: readonly LeakPath[] = [
  {
    name: 'hostile-words',
    ends: 'COMPLETED_WITH_ERRORS',
    cards: SPELLERS.map(() => 'ENROLLED'),
    saysOfCard: (record, nth) => ({ kind: 'fail', error: { status: 400, ...quoting(record, nth) } }),
  },
  {
    name: 'hostile-statuses',
    ends: 'COMPLETED_WITH_ERRORS',
    cards: SPELLERS.map(() => 'ENROLLED'),
    saysOfCard: (record, nth) => ({ kind: 'unknownStatus', status: `IS_${spelled(record, nth).pan}` }),
  },
  {
    name: 'hostile-ids',
    ends: 'COMPLETED',
    cards: SPELLERS.map(() => 'ENROLLED'),
    saysOfCard: saysIds,
  },
  {
    name: 'hostile-ids-taken-back',
    // Mastercard could not have given some of these ids: nothing asks it to remove them.
    ends: 'FAILED',
    cards: SPELLERS.map(() => 'ENROLLED'),
    policy: { polling: { initial: '1s', maximum: '1s' } },
    saysOfCard: saysIds,
    simulate: takesLong,
    acts: [
      cancelledWhenDone,
      { when: asked('removal'), act: (batch) => batch.retryRollback({ abandon: true }) },
    ],
  },
  // The answer about a refused batch has no more than 20 details.
  ...[0, 1, 2].map((third): LeakPath => {
    const spellings = SPELLERS.map((_, nth) => nth).filter((nth) => nth % 3 === third);
    return {
      name: `hostile-refusal-${third + 1}`,
      ends: 'REJECTED',
      cards: spellings.map(() => 'ENROLLED'),
      saysOfBatch: (records) => ({
        kind: 'refused',
        error: {
          ...quoting(records[0]!, third),
          errordetail: records.map(
            (record, index) => quoting(record, spellings[index]!).errordetail[index % 3]!,
          ),
        },
      }),
    };
  }),
  ...ID_SPELLERS.map((spell, nth): LeakPath => ({
    name: `hostile-batch-id-${nth + 1}`,
    cards: ['ENROLLED'],
    ...(nth % 2 === 0
      ? { program: 'hostile-batch-ids', ends: 'COMPLETED' }
      : {
          program: 'hostile-batch-ids-for-long',
          ends: 'EXPIRED',
          policy: { polling: LATE },
          simulate: takesLong,
        }),
    saysOfBatch: ([record]) => ({
      kind: 'named',
      batchId: `mc-${spell(record!.cards[0]!.primaryAccountNumber)}`,
    }),
  })),
];

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
    acts: [cancelledWhenDone],
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
  ...hostilePaths,
];

/** How long a path may take. */
const WITHIN_MS = 150_000;
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
