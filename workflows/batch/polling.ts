import { FailureType } from '../../enrollment/errors.js';
import { pollDelay } from '../../enrollment/schedule.js';
import type { AnswerAnomalies } from '../../enrollment/reconciliation.js';
import type { StatusAnswer } from '../../activities/index.js';
import { OVER, type Wait } from '../waiting.js';
import { conclude, isInterrupted, wantsRemoval } from './conclusion.js';
import { expired, failed, settled } from './ending.js';
import { askForBatchId, askForMoreTime } from './questions.js';
import type { BatchState, In, Polling } from './state.js';
import { maskPersonal } from '../../protection/mask.js';

/** Until when Mastercard is asked about the present round (ms since the epoch). */
export function pollingDeadline({ policy }: BatchState, { acceptedAt, extendedUntil }: Polling): number {
  return Math.max(acceptedAt + policy.polling.deadline, extendedUntil ?? 0);
}

/** When the next poll is due: as the policy says, at once when somebody asks for one, at the deadline at the latest. */
export function untilNextPoll(state: In<'polling'>): Wait {
  const { stage, policy, round } = state;
  if (state.isNudged || isInterrupted(state)) return OVER;
  const due = stage.lastPolledAt + pollDelay(policy.polling, round.polls, stage.chance);
  const until = Math.min(due, pollingDeadline(state, stage));
  return { over: false, until, summary: `next poll (${round.polls + 1})` };
}

/** A poll is made; it serves all requests for one so far. */
export function polls(state: In<'polling'>): In<'polling'> {
  return { ...state, isNudged: false, stage: { ...state.stage, isUnderWay: true } };
}

/** What follows a poll, by Mastercard's answer. */
export function polled(before: In<'polling'>, answer: StatusAnswer, now: number, chance: number): BatchState {
  const state = afterPoll(before, answer);
  const { stage } = state;
  switch (answer.kind) {
    case 'terminal':
      return roundSettled(state, answer, now);
    case 'foreign':
      return askForBatchId(
        state,
        `batchId ${maskPersonal(stage.batchId)} belongs to another externalBatchId`,
        stage.enrollmentData,
      );
    case 'notFound':
      if (now - stage.acceptedAt > state.policy.polling.notFoundGrace) return notFound(state);
      return pollAgain(state, now, chance);
    case 'denied':
    case 'processing':
      return pollAgain(state, now, chance);
  }
}

function afterPoll(state: In<'polling'>, answer: StatusAnswer): In<'polling'> {
  const { round, stage } = state;
  const isStatus = answer.kind === 'processing' || answer.kind === 'terminal';
  const isKnown = answer.kind !== 'processing' || answer.known;
  const problem = answer.kind === 'denied' || answer.kind === 'notFound' ? answer.message : null;
  return {
    ...state,
    flowId: (answer.kind === 'processing' ? answer.flowId : undefined) ?? state.flowId,
    round: {
      ...round,
      polls: round.polls + 1,
      lastStatus: isStatus ? { text: answer.batchStatus, isKnown } : round.lastStatus,
    },
    stage: { ...stage, problem },
  };
}

/** A batchId that Mastercard does not know, for longer than a replica can be behind. */
function notFound(state: In<'polling'>): BatchState {
  const { batchId, enrollmentData } = state.stage;
  const why = `Mastercard does not know batchId ${maskPersonal(batchId)}`;
  if (wantsRemoval(state)) return askForBatchId(state, why, enrollmentData);
  return conclude(state, failed(state, FailureType.BatchFailed, why, 'BATCH_NOT_FOUND'));
}

/** Mastercard gave no terminal answer, or could not be reached: another poll follows, unless the deadline has come. */
export function pollAgain(state: In<'polling'>, now: number, chance: number): BatchState {
  const next: In<'polling'> = {
    ...state,
    stage: { ...state.stage, lastPolledAt: now, chance, isUnderWay: false },
  };
  return now >= pollingDeadline(next, next.stage) ? atDeadline(next) : next;
}

/**
 * Mastercard was not done at the deadline. Where cards are to be removed, those of this round may be enrolled
 * later and nobody would remove them: an operator decides then, whatever the policy says about deadlines.
 */
function atDeadline(state: In<'polling'>): BatchState {
  if (state.stage.isLast || !asksAtDeadline(state))
    return conclude(state, expired(state, state.stage.batchId));
  return askForMoreTime(state);
}

export function asksAtDeadline(state: BatchState): boolean {
  return state.policy.onPollingDeadline === 'askOperator' || wantsRemoval(state);
}

type TerminalAnswer = Extract<StatusAnswer, { kind: 'terminal' }>;

/** Mastercard is done with the round: another follows for cards that failed for a passing reason, or the batch ends. */
export function roundSettled(before: In<'polling'>, answer: TerminalAnswer, now: number): BatchState {
  const state = { ...before, counts: answer.counts, reasons: anomaliesInWords(answer.anomalies) };
  const { retry } = answer;
  const ending = settled(state, answer);
  if (!retry || state.isCancelled || !wantsFurtherRound(state)) return conclude(state, ending);
  return { ...state, stage: { name: 'betweenRounds', ...retry, since: now, ending } };
}

function wantsFurtherRound({ round, policy }: BatchState): boolean {
  return round.n < policy.retryFailedRecords.maxRounds;
}

export function untilNextRound(state: In<'betweenRounds'>): Wait {
  if (isInterrupted(state) || !wantsFurtherRound(state)) return OVER;
  const { since, cards } = state.stage;
  const until = since + state.policy.retryFailedRecords.delay;
  return { over: false, until, summary: `round ${state.round.n + 1} with ${cards} cards` };
}

/**
 * Makes the cards that the round before failed for a passing reason pending again; unless the policy was changed
 * meanwhile and wants no further round.
 */
export function nextRound(state: In<'betweenRounds'>): BatchState {
  const { cards, records, ending } = state.stage;
  if (!wantsFurtherRound(state)) return conclude(state, ending);
  const { counts, round } = state;
  return {
    ...state,
    counts: { ...counts, failed: counts.failed - cards, pending: counts.pending + cards },
    round: roundOf(round.n + 1),
    stage: { name: 'encrypting', records },
  };
}

export function roundOf(n: number): BatchState['round'] {
  return {
    n,
    offers: 0,
    offersMaybeAccepted: 0,
    firstOfferedAt: null,
    lastAnswer: null,
    polls: 0,
    lastStatus: null,
  };
}

/** What was odd about Mastercard's answer; missing cards are in the counts. */
function anomaliesInWords(anomalies: AnswerAnomalies): string[] {
  const oddities = [
    [anomalies.repeated, 'repeated'],
    [anomalies.contradictory, 'contradictory'],
    [anomalies.foreign, 'about cards that were never sent'],
    [anomalies.unknownStatus, 'with a status that this version does not know'],
  ] as const;
  return oddities
    .filter(([count]) => count > 0)
    .map(([count, what]) => `entries in Mastercard's answer ${what}: ${count}`);
}
