import fc from 'fast-check';
import type { PolicyOverrides } from '../../enrollment/policy.js';
import type { Operation } from '../../simulator/index.js';
import { ANSWERS } from './answers.js';
import { Decide, ExtendDeadline, Resolve, UpdatePolicy, type Answered } from './operator-steps.js';
import { answerTo, death, type Duplicates } from './scenario.js';
import type { Command } from './step.js';
import {
  Answers,
  Cancel,
  CancelDuring,
  Duplicated,
  PollNow,
  Processes,
  Restart,
  TimePasses,
  WorkerDies,
} from './world-steps.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const OPERATIONS = Object.keys(ANSWERS) as Operation[];
const times = fc.constantFrom(1, 1, 2, 3, 8);

const answers = fc
  .oneof(...OPERATIONS.map((op) => fc.record({ op: fc.constant(op), answer: answerTo(op), times })))
  .map(({ op, answer, times }) => new Answers(op, answer, times));
const timePasses = fc
  .constantFrom(
    1_000,
    MINUTE,
    5 * MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    15 * MINUTE,
    HOUR,
    6 * HOUR,
    30 * HOUR,
    90 * 24 * HOUR,
  )
  // Not a multiple of the waits of a policy: what falls due falls due before or after, not just then.
  .map((ms) => new TimePasses(ms + 7_300));

const restart = fc.constant(new Restart());

const policyChange = fc.constantFrom<PolicyOverrides>(
  { onCancel: 'leave' },
  { onCancel: 'rollback' },
  { onPartialFailure: 'rollback' },
  { onPartialFailure: 'keep', uncertainSubmission: 'askOperator' },
  { onPollingDeadline: 'expire' },
  { onPollingDeadline: 'askOperator' },
  { retryFailedRecords: { maxRounds: 4 } },
  { retryFailedRecords: { maxRounds: 1 } },
  { polling: { deadline: 40 * HOUR } },
  { retryFailedRecords: { delay: MINUTE } },
  { submission: { deadline: 3 * HOUR } },
  { submission: { initial: MINUTE, maximum: 2 * MINUTE } },
  { polling: { initial: MINUTE, maximum: 10 * MINUTE } },
  { onInvalidRecords: 'rejectBatch' },
);

/** Mostly only when there is a question. */
const unasked = fc.constantFrom(false, false, false, true);
const extend = fc
  .tuple(fc.constantFrom(HOUR, 100 * HOUR, 100 * HOUR, undefined), unasked)
  .map((it) => new ExtendDeadline(...it));
const resolve = fc
  .tuple(
    fc.constantFrom<Answered>('right', 'right', 'resend', 'resend', 'foreign', 'unknown', 'abandon'),
    unasked,
  )
  .map((it) => new Resolve(...it));
const decide = fc
  .tuple(fc.constantFrom('retry' as const, 'retry' as const, 'abandon' as const), unasked)
  .map((it) => new Decide(...it));

/** What may happen to a batch. */
export const commands: fc.Arbitrary<Command>[] = [
  answers,
  answers,
  answers,
  timePasses,
  timePasses,
  timePasses,
  timePasses,
  fc
    .constantFrom<Duplicates>('withBatchId', 'withoutBatchId', 'acceptedAgain')
    .map((it) => new Duplicated(it)),
  fc.constantFrom(0, 10 * MINUTE, 20 * HOUR).map((ms) => new Processes(ms)),
  death.map((it) => new WorkerDies(it)),
  extend,
  extend,
  policyChange.map((it) => new UpdatePolicy(it)),
  fc.constant(new PollNow()),
  fc.constant(new Cancel()),
  fc
    .constantFrom('enroll' as const, 'deleteCard' as const, 'deleteProfile' as const)
    .map((op) => new CancelDuring(op)),
  restart,
  restart,
  resolve,
  resolve,
  decide,
  decide,
];
