import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { BatchKey, BatchResult, OpenStatus } from '../enrollment/batch.js';
import type { OutcomeCounts } from '../enrollment/outcomes.js';
import { resolvePolicy, type EnrollmentPolicy, type PolicyOverrides } from '../enrollment/policy.js';
import type { AnswerAnomalies } from '../enrollment/reconciliation.js';
import type {
  RemoveCardsResult,
  StatusAnswer,
  SubmissionAnswer,
  ValidateBatchResult,
} from '../activities/index.js';
import { describeBatch, type BatchView } from './current-details.js';
import type { BatchEnrollmentInput, BatchProgress, Checkpoint, Question } from './messages.js';
import type { AcceptedSubmission } from './submission.js';
import { C2pBatchId, C2pFailedRecords, C2pRecords, C2pStatus } from './search-attributes.js';

/**
 * What a batch knows about itself. Every change is shown where an operator looks: in the query
 * `progress`, in the search attributes and in the current details of the Web UI.
 */
export class BatchState {
  readonly batch: BatchKey;
  policy: EnrollmentPolicy;
  round = 1;
  /** Whether Mastercard has the current round, or may have it. */
  mayBeAccepted = false;
  /** When Mastercard took the current round: milliseconds since the epoch. */
  acceptedAt = 0;
  /** Of Mastercard's last answer about the batch. */
  flowId: string | undefined;
  /** When the current round was first offered: milliseconds since the epoch. */
  offeredAt: number | undefined;
  /** Whether the batch was cancelled and is seen to its end all the same. */
  isCancelling = false;
  /** Whether it is decided how the batch ends. */
  isClosing = false;
  /** The polling deadline that an operator set: milliseconds since the epoch. */
  private extendedUntil: number | undefined;
  /** Why its cards are taken back, where that is not about the batch itself. */
  readonly takenBackFor: string | undefined;
  private nudged = false;
  private readonly view: BatchView;

  constructor(private readonly input: BatchEnrollmentInput) {
    const { program, externalBatchId, policy, cards, carried } = input;
    this.batch = { program, externalBatchId };
    this.policy = resolvePolicy(policy);
    this.view = {
      program,
      externalBatchId,
      status: 'VALIDATING',
      round: 1,
      batchIds: [],
      counts: { cards, pending: cards, enrolled: 0, failed: 0, invalid: 0, rolledBack: 0, unreported: 0 },
      submission: { attempts: 0 },
      polling: { polls: 0 },
      reasons: [],
      ...carried?.view,
    };
    if (carried) {
      const { at: _at, view: _view, ...facts } = carried;
      Object.assign(this, facts);
    }
    this.show();
  }

  /** The input of the next run, which goes on at the checkpoint. */
  carriedTo(at: Checkpoint): BatchEnrollmentInput {
    const { input, policy, view, round, mayBeAccepted, acceptedAt, offeredAt, flowId } = this;
    const { isCancelling, extendedUntil, takenBackFor } = this;
    const facts = { round, mayBeAccepted, acceptedAt, offeredAt, flowId, isCancelling, extendedUntil };
    return { ...input, policy, carried: { at, view, ...facts, takenBackFor } };
  }

  progress(): BatchProgress {
    return { ...this.view, policy: this.policy };
  }

  /** Whether Mastercard is asked about the batch, now and then. */
  get isPolled(): boolean {
    return this.view.status === 'PROCESSING' && this.mayBeAccepted && !this.isClosing;
  }

  /** Whether its policy can still make a difference. */
  get mayChange(): boolean {
    const takesBack = this.view.status === 'ROLLING_BACK' || this.view.question === 'removal';
    return !this.isCancelling && !this.isClosing && !takesBack;
  }

  get polls(): number {
    return this.view.polling.polls;
  }

  /** Until when the current round is offered: milliseconds since the epoch. */
  get submissionDeadline(): number {
    return (this.offeredAt ?? Date.now()) + this.policy.submission.deadline;
  }

  /** Until when Mastercard is asked about the current round: milliseconds since the epoch. */
  get pollingDeadline(): number {
    return Math.max(this.acceptedAt + this.policy.polling.deadline, this.extendedUntil ?? 0);
  }

  /** @param until milliseconds since the epoch. */
  extendDeadline(until: number): void {
    this.extendedUntil = until;
    this.showDeadline();
  }

  /** @param written the change as it is shown. */
  changePolicy(change: PolicyOverrides, written: string): void {
    this.policy = resolvePolicy(this.policy, change);
    (this.view.policyChanges ??= []).push(written);
    if (this.view.polling.deadlineAt !== undefined) this.showDeadline();
    this.show();
  }

  nudge(): void {
    this.nudged = true;
  }

  get isNudged(): boolean {
    return this.nudged;
  }

  /** Whether somebody asked for a poll since the last one; asking takes the nudge away. */
  takeNudge(): boolean {
    const { nudged } = this;
    this.nudged = false;
    return nudged;
  }

  enters(status: OpenStatus): void {
    this.view.status = status;
    this.show();
    upsertSearchAttributes([{ key: C2pStatus, value: status }]);
  }

  validated({ cards, validCards, invalidCards }: ValidateBatchResult): void {
    this.view.counts = { ...this.view.counts, cards, pending: validCards, invalid: invalidCards };
    this.view.status = 'ENCRYPTING';
    this.show();
    upsertSearchAttributes([
      { key: C2pStatus, value: 'ENCRYPTING' },
      { key: C2pRecords, value: cards },
      { key: C2pFailedRecords, value: invalidCards },
    ]);
  }

  /** @returns the number of this attempt, from 1. */
  submissionStarts(): number {
    this.offeredAt ??= Date.now();
    const { attempts, mayBeTaken } = this.view.submission;
    this.view.submission = { attempts: attempts + 1, mayBeTaken };
    this.show();
    return this.view.submission.attempts;
  }

  submissionAnswered(answer: SubmissionAnswer): void {
    const { submission } = this.view;
    if (answer.kind === 'accepted' || answer.kind === 'unknown') {
      submission.mayBeTaken = (submission.mayBeTaken ?? 0) + 1;
    }
    if (answer.kind === 'accepted' || answer.kind === 'unknown' || answer.kind === 'duplicate') {
      this.mayBeAccepted = true;
    }
    submission.lastAnswer = answer.kind === 'accepted' ? 'accepted' : `${answer.kind}: ${answer.message}`;
    this.show();
  }

  /** Mastercard's key changed before it took the round, which is now encrypted to the new one. */
  encryptedAfresh(round: number): void {
    (this.view.notices ??= []).push(
      `Mastercard's encryption key changed before it took round ${round}, which was then encrypted afresh`,
    );
    this.show();
  }

  waitsToSubmit(ms: number): void {
    this.view.submission.nextAttemptAt = isoIn(ms);
    this.show();
  }

  accepted({ batchId, flowId }: AcceptedSubmission): void {
    this.mayBeAccepted = true;
    this.acceptedAt = Date.now();
    this.flowId = flowId;
    if (!this.view.batchIds.includes(batchId)) this.view.batchIds.push(batchId);
    const { mayBeTaken = 0 } = this.view.submission;
    if (mayBeTaken > 1) (this.view.notices ??= []).push(takenTwice(this.round, batchId, mayBeTaken));
    Object.assign(this.view, { status: 'PROCESSING', error: undefined, question: undefined, reasons: [] });
    this.show();
    upsertSearchAttributes([
      { key: C2pStatus, value: 'PROCESSING' },
      { key: C2pBatchId, value: batchId },
    ]);
  }

  /** @param error what is unknown or went wrong, and so what the operator is asked about. */
  awaitsOperator(question: Question, error: string): void {
    Object.assign(this.view, { question, error, nextPollAt: undefined });
    this.enters('AWAITING_OPERATOR');
  }

  /** Mastercard is asked again about a round whose polling deadline had passed. */
  pollsAgain(): void {
    Object.assign(this.view, { question: undefined, error: undefined });
    this.enters('PROCESSING');
  }

  /** @param why what the cards are removed for. */
  rollsBack(why: string): void {
    Object.assign(this.view, {
      error: undefined,
      question: undefined,
      nextPollAt: undefined,
      reasons: [why],
    });
    this.enters('ROLLING_BACK');
  }

  removed({ counts }: RemoveCardsResult): void {
    this.view.counts = counts;
    this.show();
  }

  /** Somebody cancelled the batch; what Mastercard has of it must be known before it can be taken back. */
  cancelling(): void {
    this.isCancelling = true;
    this.view.reasons = ['cancelled: the cards are removed as soon as Mastercard has processed them'];
    this.show();
  }

  operatorWasRefused(why: string): void {
    this.view.reasons = [`an operator's answer was refused: ${why}`];
    this.show();
  }

  waitsForRound(round: number, ms: number): void {
    this.view.nextRoundAt = isoIn(ms);
    this.round = round;
    this.mayBeAccepted = false;
    this.offeredAt = undefined;
    this.show();
  }

  /** Makes the cards that an earlier round failed for a passing reason pending again. */
  startsRound(round: number, cards: number): void {
    const { counts } = this.view;
    Object.assign(this.view, {
      round,
      nextRoundAt: undefined,
      counts: { ...counts, failed: counts.failed - cards, pending: counts.pending + cards },
      submission: { attempts: 0 },
      polling: { polls: 0 },
    });
    this.show();
  }

  showDeadline(): void {
    this.view.polling.deadlineAt = new Date(this.pollingDeadline).toISOString();
    this.show();
  }

  waitsToPoll(ms: number): void {
    this.view.nextPollAt = isoIn(ms);
    this.show();
  }

  polled(answer: StatusAnswer): void {
    const { polling } = this.view;
    polling.polls += 1;
    this.view.nextPollAt = undefined;
    if (answer.kind === 'processing' || answer.kind === 'terminal') {
      polling.lastStatus = answer.batchStatus;
      polling.lastStatusUnknown = answer.kind === 'processing' && !answer.known;
      if (answer.kind === 'processing') this.flowId = answer.flowId ?? this.flowId;
    }
    this.view.error = answer.kind === 'denied' || answer.kind === 'notFound' ? answer.message : undefined;
    if (answer.kind === 'terminal') {
      this.view.counts = answer.counts;
      this.view.reasons = describeAnomalies(answer.anomalies);
    }
    this.show();
  }

  /** Why not every card is enrolled, in short sentences. */
  shortfalls(): string[] {
    const { failed, invalid, unreported } = this.view.counts;
    const counts = [
      [failed, 'declined by Mastercard'],
      [invalid, 'invalid and not sent'],
      [unreported, 'not reported by Mastercard'],
    ] as const;
    return [
      ...counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`),
      ...this.view.reasons,
    ];
  }

  closed({ status, counts, reasons }: BatchResult, error?: string): void {
    Object.assign(this.view, {
      status,
      counts,
      reasons,
      error,
      question: undefined,
      nextPollAt: undefined,
      nextRoundAt: undefined,
    });
    this.show();
    upsertSearchAttributes([
      { key: C2pStatus, value: status },
      { key: C2pRecords, value: counts.cards },
      { key: C2pFailedRecords, value: notEnrolled(counts) },
    ]);
  }

  private show(): void {
    setCurrentDetails(describeBatch(this.view));
  }
}

/** Only Mastercard can tell: it has no call that lists batches. */
function takenTwice(round: number, batchId: string, offers: number): string {
  return (
    `Mastercard may have accepted each of ${offers} submissions of round ${round}, which it has as ${batchId}: ` +
    'if it accepted more than one, it has the round as several batches'
  );
}

/** What was odd about Mastercard's answer; missing cards are told by the counts. */
function describeAnomalies(anomalies: AnswerAnomalies): string[] {
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

function notEnrolled({ failed, invalid, unreported }: OutcomeCounts): number {
  return failed + invalid + unreported;
}

function isoIn(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}
