import { FailureType } from '../../enrollment/errors.js';
import { LONGEST, policyChangeProblems } from '../../enrollment/policy-rules.js';
import { resolvePolicy, type PolicyOverrides } from '../../enrollment/policy.js';
import type { StatusAnswer, Unreadable } from '../../activities/index.js';
import { withApplied, type Message } from '../message.js';
import { cancelled, conclude, defeated, notRemoved, removal } from './conclusion.js';
import { cancelled as cancelledEnding, expired, failed } from './ending.js';
import { unreadable } from './held-up.js';
import type { DeadlineDecision, RemovalDecision, SubmissionResolution } from './messages.js';
import { asksAtDeadline, polled, pollingDeadline } from './polling.js';
import { accepted, offering } from './submission.js';
import { isIn } from '../staged.js';
import {
  stageBeneath,
  withLine,
  type AskingBatchId,
  type AskingMoreTime,
  type BatchState,
  type In,
} from './state.js';
import { maskPersonal } from '../../protection/mask.js';

/** A state that waits for an answer to a certain question. */
export type InQuestion<Asking> = BatchState & { stage: Asking };

export function asks<Q extends In<'asking'>['stage']['question']>(
  state: BatchState,
  question: Q,
): state is InQuestion<Extract<In<'asking'>['stage'], { question: Q }>> {
  return isIn(state, 'asking') && state.stage.question === question;
}

/** What an operator may write for one: whether Mastercard can have given it, the activity finds out. */
const BATCH_ID = /^[\x21-\x7e]{1,255}$/;

/** What operators did, as the batch shows it. */
function withChange<State extends BatchState>(
  state: State,
  what: string,
  { by, reason }: Message<unknown>,
): State {
  const why = reason === undefined ? '' : `: ${reason}`;
  return { ...state, changes: withLine(state.changes, `${what} (${by}${why})`) };
}

// ---- Under which batchId does Mastercard have the round?

export function resolutionProblem(state: BatchState, resolution: SubmissionResolution): string | undefined {
  if (asks(state, 'cancellation')) return 'it asks whether it is to be cancelled';
  if (!asks(state, 'batchId')) return 'the batch does not wait for an operator';
  if (state.stage.check) return 'another answer is being checked';
  const answers = [
    'abandon' in resolution && resolution.abandon === true,
    'resend' in resolution && resolution.resend === true,
    'batchId' in resolution && typeof resolution.batchId === 'string' && BATCH_ID.test(resolution.batchId),
  ];
  if (Object.keys(resolution).length !== 1 || !answers.includes(true))
    return 'give either {batchId} as Mastercard wrote it, {resend: true} or {abandon: true}';
  return undefined;
}

/** An operator answered; a batchId is first checked with Mastercard. */
export function resolved(before: BatchState, message: Message<SubmissionResolution>): BatchState {
  if (!asks(before, 'batchId')) return before;
  const { stage } = before;
  const { body } = message;
  if ('batchId' in body) return { ...before, stage: { ...stage, check: { ...message, body } } };
  const state = withApplied(before, message);
  if ('resend' in body) {
    const resent = withChange(state, `sent round ${state.round.n} again`, message);
    return {
      ...resent,
      round: { ...resent.round, firstOfferedAt: null },
      stage: { ...offering(stage.enrollmentData), isOperatorsDecision: true },
    };
  }
  const why = `${stage.why}; an operator abandoned the batch`;
  const ending = failed(state, FailureType.SubmissionUnresolved, why, 'SUBMISSION_UNRESOLVED');
  return conclude(withChange(state, 'abandoned the batch', message), ending);
}

/** Why an operator's batchId is not believed; null where it is. */
export type Verdict = string | null;

/**
 * Mastercard's answer about a batchId that an operator gave. It is believed only if the answer names our
 * externalBatchId; a terminal answer is the batch's answer.
 * @param answer nothing when Mastercard could not be asked.
 */
export function checked(
  state: InQuestion<AskingBatchId>,
  answer: StatusAnswer | Unreadable | undefined,
  now: number,
  chance: number,
): [BatchState, Verdict] {
  const { check } = state.stage;
  if (!check) return [state, 'no answer is being checked'];
  const { batchId } = check.body;
  const believed = () =>
    accepted(
      withChange(withApplied(state, check), `named batchId ${maskPersonal(batchId)}`, check),
      { batchId },
      now,
    );
  if (answer?.kind === 'processing' || answer?.kind === 'terminal')
    return [polled(believed(), answer, now, chance), null];
  // Only an answer about this very batch is recorded: that it cannot be says nothing against the batchId.
  if (answer?.kind === 'unreadable')
    return [unreadable({ ...believed(), isNudged: true }, answer, now), null];
  const verdict = whyNotBelieved(batchId, answer);
  const reasons = [`an operator's answer was refused: ${verdict}`];
  const waiting = { ...state, reasons, stage: { ...state.stage, check: null } };
  // Cancelled while it was checked.
  const next = state.isCancelled ? conclude(waiting, cancelledEnding(waiting)) : waiting;
  return [next, verdict];
}

function whyNotBelieved(
  batchId: string,
  answer: Exclude<StatusAnswer, { kind: 'processing' | 'terminal' }> | undefined,
): string {
  const shown = maskPersonal(batchId);
  switch (answer?.kind) {
    case 'foreign':
      return `batchId ${shown} belongs to another externalBatchId`;
    case 'notFound':
      return `Mastercard does not know batchId ${shown}`;
    case 'denied':
      return `Mastercard did not answer about batchId ${shown}: ${answer.message}`;
    case undefined:
      return `Mastercard could not be asked about batchId ${shown}; try again later`;
  }
}

// ---- How long may Mastercard take?

const DEADLINE_USAGE = 'give either {until}, an ISO 8601 time, or {abandon: true}';

export function deadlineProblem(
  state: BatchState,
  decision: DeadlineDecision,
  now: number,
): string | undefined {
  if ('abandon' in decision === 'until' in decision) return DEADLINE_USAGE;
  const isAsked = asks(state, 'moreTime');
  if ('abandon' in decision) {
    if (decision.abandon !== true) return DEADLINE_USAGE;
    return isAsked ? undefined : 'the polling deadline has not passed, so there is nothing to give up';
  }
  const polling = isAsked ? state.stage.polling : isIn(state, 'polling') ? state.stage : undefined;
  if (!polling) return 'Mastercard is not processing the batch';
  const until = Date.parse(decision.until);
  if (Number.isNaN(until)) return DEADLINE_USAGE;
  const deadline = pollingDeadline(state, polling);
  if (until <= Math.max(deadline, now)) return `the polling deadline is ${iso(deadline)} already`;
  if (until > now + LONGEST) return 'the polling deadline may be a year away at most';
  return undefined;
}

export function deadlineDecided(before: BatchState, message: Message<DeadlineDecision>): BatchState {
  const state = withApplied(before, message);
  const { body } = message;
  if ('abandon' in body) {
    if (!asks(state, 'moreTime')) return state;
    const { polling } = state.stage;
    return conclude(withChange(state, 'gave the batch up', message), expired(state, polling.batchId));
  }
  const next = withChange(state, `polling deadline moved to ${body.until}`, message);
  const extendedUntil = Date.parse(body.until);
  if (isIn(next, 'polling')) return { ...next, stage: { ...next.stage, extendedUntil } };
  if (!asks(next, 'moreTime')) return next;
  return { ...next, isNudged: true, stage: { ...next.stage.polling, extendedUntil } };
}

/** Whether the question is settled without an answer: by a poll that somebody wants, or by a changed policy. */
export function needsNoMoreTime(state: InQuestion<AskingMoreTime>, now: number): boolean {
  return state.isNudged || !asksAtDeadline(state) || now < pollingDeadline(state, state.stage.polling);
}

/** Mastercard is asked again, or the policy no longer wants an operator to be asked. */
export function moreTimeSettled(state: InQuestion<AskingMoreTime>, now: number): BatchState {
  const { polling } = state.stage;
  if (state.isNudged || now < pollingDeadline(state, polling))
    return { ...state, isNudged: true, stage: polling };
  return conclude(state, expired(state, polling.batchId));
}

// ---- What about cards that could not be removed?

export function removalProblem(state: BatchState, decision: RemovalDecision): string | undefined {
  if (!asks(state, 'removal')) return 'there is no rollback to decide about';
  const given = Object.entries(decision).filter(([, value]) => value === true);
  if (given.length !== 1 || !['retry', 'abandon'].includes(given[0]![0]))
    return 'give either {retry: true} or {abandon: true}';
  return undefined;
}

export function removalDecided(before: BatchState, message: Message<RemovalDecision>): BatchState {
  if (!asks(before, 'removal')) return before;
  const state = withApplied(before, message);
  const { removing } = before.stage;
  if ('abandon' in message.body)
    return notRemoved(withChange(state, 'gave the removal up', message), removing);
  const { why, ending } = removing;
  return { ...withChange(state, 'retried the removal', message), stage: removal(why, ending) };
}

// ---- Is the batch to be cancelled?

/** Idempotent: a batch that is cancelled stays so. */
export function cancelledBy(before: BatchState, message: Message<object>): BatchState {
  const state = withApplied(before, message);
  return state.isCancelled ? state : cancelled(withChange(state, 'cancelled the batch', message));
}

export function goOnProblem(state: BatchState): string | undefined {
  return asks(state, 'cancellation')
    ? undefined
    : 'it is not the question whether the batch is to be cancelled';
}

export function goesOn(before: BatchState, message: Message<object>): BatchState {
  if (!asks(before, 'cancellation')) return before;
  const { then } = before.stage;
  return { ...withChange(withApplied(before, message), 'went on, not cancelled', message), stage: then };
}

// ---- Close without what cannot be read?

export function closeProblem(state: BatchState): string | undefined {
  return isIn(state, 'heldUp')
    ? undefined
    : 'the batch does not wait for a key now; if it looks for the key at this moment, send this again';
}

/** An operator closes the batch without what is sealed under a key that is gone. */
export function closedWithoutUnreadable(before: BatchState, message: Message<object>): BatchState {
  if (!isIn(before, 'heldUp')) return before;
  const { then, why } = before.stage;
  const state = withChange(withApplied(before, message), 'closed without what cannot be read', message);
  const blocked = { ...state, stage: then };
  const next = then.name === 'closing' ? blocked : defeated(blocked, FailureType.SealedBlobUnreadable, why);
  return isIn(next, 'closing') ? { ...next, stage: { ...next.stage, withoutUnreadable: true } } : next;
}

// ---- Policy, polls

export function policyProblem(state: BatchState, change: PolicyOverrides): string | undefined {
  if (state.isCancelled || isEnding(state)) return 'the batch is being cancelled, rolled back or closed';
  const problems = policyChangeProblems(state.policy, change);
  if (problems.length === 0) return undefined;
  return problems.map(({ path, message }) => `${path || 'the change'} ${message}`).join('; ');
}

function isEnding(state: BatchState): boolean {
  const stage = stageBeneath(state);
  if (stage.name === 'asking') return stage.question === 'removal';
  return stage.name === 'removing' || stage.name === 'closing' || stage.name === 'closed';
}

/** What waits for a poll is polled at once. */
export function policyChanged(before: BatchState, message: Message<PolicyOverrides>): BatchState {
  const state = withChange(withApplied(before, message), written(message.body), message);
  const policy = resolvePolicy(state.policy, message.body);
  return { ...state, policy, isNudged: state.isNudged || isIn(state, 'polling') };
}

/** As in `onCancel=leave, polling.maximum=300000`. */
function written(change: object, path = ''): string {
  return Object.entries(change)
    .map(([name, value]: [string, unknown]) =>
      typeof value === 'object' && value !== null
        ? written(value, `${path}${name}.`)
        : `${path}${name}=${String(value)}`,
    )
    .join(', ');
}

export function pollProblem(state: BatchState): string | undefined {
  if (isIn(state, 'polling') || asks(state, 'moreTime')) return undefined;
  return 'Mastercard is not processing the batch, so there is nothing to poll';
}

export function nudged(state: BatchState, message: Message<object>): BatchState {
  return { ...withApplied(state, message), isNudged: true };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
