import { backoffDelay } from '../../enrollment/schedule.js';
import { FailureType } from '../../enrollment/errors.js';
import type { BlobRef } from '../../enrollment/batch.js';
import type { SubmissionAnswer } from '../../activities/index.js';
import type { Wait } from '../waiting.js';
import { OVER } from '../waiting.js';
import { conclude, isInterrupted } from './conclusion.js';
import { endingOfRound, failed, rejectedByMastercard } from './ending.js';
import { askForBatchId } from './questions.js';
import {
  mayBeAtMastercard,
  withLine,
  type AskingBatchId,
  type BatchState,
  type In,
  type Round,
  type Submitting,
} from './state.js';
import { maskPersonal } from '../../protection/mask.js';

/** A round is encrypted, and is to be offered to Mastercard. */
export function encrypted(state: In<'encrypting'>, enrollmentData: BlobRef): BatchState {
  return { ...state, stage: offering(enrollmentData) };
}

export function offering(enrollmentData: BlobRef): In<'submitting'>['stage'] {
  return {
    name: 'submitting',
    enrollmentData,
    wait: null,
    isEncryptedAfresh: false,
    isForOldKey: false,
    isOperatorsDecision: false,
  };
}

/** Until when the round is offered (ms since the epoch). */
export function submissionDeadline({ round, policy }: BatchState, now: number): number {
  return (round.firstOfferedAt ?? now) + policy.submission.deadline;
}

/** When the next offer is due: after the wait, and at the deadline at the latest. */
export function untilNextOffer(state: In<'submitting'>): Wait {
  const { stage, round, policy } = state;
  if (!stage.wait || isInterrupted(state)) return OVER;
  const { since, retryAfter, because } = stage.wait;
  const delay = Math.max(backoffDelay(policy.submission, round.offers - 1), retryAfter);
  const until = Math.min(since + delay, Math.max(since, submissionDeadline(state, since)));
  return { over: false, until, summary: `next attempt to submit (${because})` };
}

/** An offer is made. */
export function offers(state: In<'submitting'>, now: number): In<'submitting'> {
  const { round, stage } = state;
  return {
    ...state,
    round: { ...round, offers: round.offers + 1, firstOfferedAt: round.firstOfferedAt ?? now },
    stage: { ...stage, wait: null, isEncryptedAfresh: stage.wait ? false : stage.isEncryptedAfresh },
  };
}

/** Mastercard's key changed before it accepted the round, which is now encrypted to the new one. */
export function encryptedAfresh(state: In<'submitting'>, enrollmentData: BlobRef): BatchState {
  const { stage, round } = state;
  const next = { ...stage, isForOldKey: false, isEncryptedAfresh: true, enrollmentData };
  // A worker that knows no other key gives the same again; it is then offered, and Mastercard decides.
  if (enrollmentData === stage.enrollmentData) return { ...state, stage: next };
  const notice = `Mastercard's encryption key changed before it took round ${round.n}, which was then encrypted afresh`;
  return { ...state, notices: withLine(state.notices, notice), stage: next };
}

/** What follows an offer, by Mastercard's answer. This is the table "What c2p does with each answer" of the README. */
export function offered(before: In<'submitting'>, answer: SubmissionAnswer, now: number): BatchState {
  const state = { ...before, round: afterOffer(before.round, answer) };
  const { stage } = state;
  const ask = (why: string) => askForBatchId(state, why, stage.enrollmentData);
  switch (answer.kind) {
    case 'accepted':
      return accepted(state, answer, now);
    case 'duplicate':
      if (answer.batchId !== undefined) return accepted(state, { batchId: answer.batchId }, now);
      return ask('Mastercard has accepted this externalBatchId before and does not say as which batchId');
    case 'offeredBefore':
      return ask(offeredBefore(answer));
    case 'refused':
    case 'callerRefused':
      if (mayBeAtMastercard(state))
        return ask(
          `Mastercard refused a repeated submission and may have accepted an earlier one: ${answer.message}`,
        );
      return conclude(state, refusal(state, answer));
    case 'keyChanged':
      return { ...state, stage: { ...stage, isForOldKey: true } };
    case 'unknown':
      if (state.policy.uncertainSubmission === 'askOperator')
        return ask(`it is unknown whether Mastercard accepted the batch: ${answer.message}`);
      return offerLater(state, answer, now);
    case 'notAccepted':
      return offerLater(state, answer, now);
  }
}

type Failure<Kind extends SubmissionAnswer['kind']> = Extract<SubmissionAnswer, { kind: Kind }>;

function afterOffer(round: Round, answer: SubmissionAnswer): Round {
  const { kind } = answer;
  return {
    ...round,
    offersMaybeAccepted: maybeAccepted(round.offersMaybeAccepted, kind),
    lastAnswer: 'message' in answer ? `${kind}: ${answer.message}` : kind,
  };
}

/** How many offers Mastercard may have accepted, with this one's answer. */
function maybeAccepted(before: number, kind: SubmissionAnswer['kind']): number {
  if (kind === 'accepted' || kind === 'unknown') return before + 1;
  // An earlier one was accepted, or may have been: of this workflow, or of another with the same id.
  return kind === 'duplicate' || kind === 'offeredBefore' ? Math.max(1, before) : before;
}

function offeredBefore({ offeredAt, batchId, unreadable }: Failure<'offeredBefore'>): string {
  if (unreadable !== undefined)
    return `which workflow offered this externalBatchId to Mastercard is lost (${unreadable}): nothing was sent now`;
  const when = offeredAt === undefined ? '' : ` at ${offeredAt}`;
  const as = batchId === undefined ? '' : `, and Mastercard has it as batchId ${maskPersonal(batchId)}`;
  return `another workflow offered this externalBatchId to Mastercard${when}${as}: nothing was sent now`;
}

function refusal(state: BatchState, answer: Failure<'refused' | 'callerRefused'>) {
  const { message, reason = 'REFUSED', details } = answer;
  if (answer.kind === 'callerRefused') return failed(state, FailureType.ConfigurationInvalid, message);
  return endingOfRound(state, rejectedByMastercard(message, { reason, round: state.round.n, details }));
}

/** Waits, unless the last offer was the one at the deadline. */
function offerLater(
  state: In<'submitting'>,
  answer: Failure<'notAccepted' | 'unknown'>,
  now: number,
): BatchState {
  if (now >= submissionDeadline(state, now)) return outOfTime(state);
  const { kind, reason = 'no answer' } = answer;
  const retryAfter = answer.kind === 'notAccepted' ? (answer.retryAfter ?? 0) : 0;
  return {
    ...state,
    stage: { ...state.stage, wait: { since: now, retryAfter, because: `${kind}: ${reason}` } },
  };
}

function outOfTime(state: In<'submitting'>): BatchState {
  if (mayBeAtMastercard(state))
    return askForBatchId(
      state,
      'Mastercard may have accepted the batch, and gave no clear answer before the submission deadline',
      state.stage.enrollmentData,
    );
  const why = 'Mastercard did not accept the batch before the submission deadline';
  return conclude(state, endingOfRound(state, failed(state, FailureType.BatchFailed, why)));
}

/** Mastercard has the round under this batchId. */
export function accepted(
  state: BatchState & { stage: Submitting | AskingBatchId },
  { batchId, flowId }: { batchId: string; flowId?: string | undefined },
  now: number,
): In<'polling'> {
  const { round, notices, batchIds, stage } = state;
  const offersMaybeAccepted = Math.max(1, round.offersMaybeAccepted);
  const isDoubtful = offersMaybeAccepted > 1;
  // Of what is read there is no card number, e-mail address or phone number, should Mastercard make an id of one.
  const shown = maskPersonal(batchId);
  return {
    ...state,
    round: { ...round, offersMaybeAccepted },
    batchIds: batchIds.includes(shown) ? batchIds : [...batchIds, shown],
    flowId: flowId ?? null,
    notices: isDoubtful ? withLine(notices, acceptedTwice(round, shown)) : notices,
    reasons: [],
    stage: {
      name: 'polling',
      batchId,
      enrollmentData: stage.enrollmentData,
      acceptedAt: now,
      extendedUntil: null,
      lastPolledAt: now,
      chance: 0.5,
      isUnderWay: false,
      problem: null,
      isLast: false,
    },
  };
}

/** Only Mastercard can say: it has no call that lists batches. */
function acceptedTwice({ n, offersMaybeAccepted: offers }: Round, batchId: string): string {
  return (
    `Mastercard may have accepted each of ${offers} submissions of round ${n}, which it has as ${batchId}: ` +
    'if it accepted more than one, it has the round as several batches'
  );
}
