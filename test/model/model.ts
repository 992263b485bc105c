import { isClosed, type BatchStatus } from '../../enrollment/batch.js';
import { roundBatchId } from '../../enrollment/identifiers.js';
import { resolvePolicy, type EnrollmentPolicy, type PolicyOverrides } from '../../enrollment/policy.js';
import {
  BatchStatusValue,
  PASSING_RECORD_REASONS,
  PROFILE_HAS_CARDS_REASON,
} from '../../mastercard/contract.js';
import type { AcceptedBatch } from '../../simulator/index.js';
import type { Question } from '../../enrollment/questions.js';
import type { Standing } from './batch-run.js';
import { Offer, SLACK_MS } from './offer.js';
import { Removal } from './removal.js';
import type { Timed, WireEvent } from './wire.js';

/**
 * Where a batch must be, as far as a step matters to what may follow. `between`: a further round is due.
 */
export type Stage =
  'preparing' | 'offering' | 'processing' | 'asking' | 'between' | 'removing' | 'deciding' | 'closed';

type Event<Op extends WireEvent['op']> = Timed<Extract<WireEvent, { op: Op }>>;

/**
 * What a batch is and may become, worked out from the policy and from what was seen on the wire: the
 * contract's tables and the design's section 5, written down a second time and without Temporal.
 *
 * It says which statuses are possible; where a time limit decides, that may be more than one.
 */
export class Model {
  stage: Stage = 'preparing';
  round = 1;
  cancelled = false;
  /** Activities that wait to be tried again: nothing is sent to the batch then. */
  retrying: readonly string[] = [];
  /** Under which c2p asks about the current round. */
  private batchId: string | undefined;
  private offer = new Offer();
  private acceptedAt = 0;
  private extendedUntil = 0;
  /** What the operator is asked, as the batch says. */
  question: Question | undefined;
  private now = 0;
  /** By card, what Mastercard's terminal answers said. */
  private readonly outcomes = new Map<string, string>();
  private removal = new Removal(LATE_ENDINGS);
  /** Where the batch may be now: more than one status where a time limit decides. */
  possible: BatchStatus[] = ['VALIDATING', 'ENCRYPTING'];

  constructor(
    private readonly id: string,
    public policy: EnrollmentPolicy,
    private readonly cards: { all: number; valid: number },
    /** Whether the workers keep the workflow in memory. */
    readonly cached: boolean,
    private readonly accepted: () => AcceptedBatch[],
  ) {}

  get isOpen(): boolean {
    return this.stage !== 'closed';
  }

  /** Until when Mastercard is polled. */
  get deadline(): number {
    return Math.max(this.acceptedAt + this.policy.polling.deadline, this.extendedUntil);
  }

  /** Takes in what happened. */
  follow({ events, now, retrying }: Standing): void {
    if (this.stage === 'processing') this.possible = ['PROCESSING'];
    this.retrying = retrying;
    if (this.stage === 'preparing') this.prepares(retrying);
    for (const event of events.filter(isReported)) this.happens(event);
    this.now = now;
    if (this.stage === 'processing') this.mayExpire();
    if (this.stage === 'removing') this.removes(retrying);
  }

  /** Of several possible statuses, the batch is in this one: a time limit has decided. */
  isIn({ status, question }: Pick<Standing, 'status' | 'question'>): void {
    this.question = question;
    if (this.possible.length === 1) return;
    this.possible = [status];
    if (isClosed(status)) this.stage = 'closed';
    else if (question === 'batchId') this.stage = 'asking';
    else if (status === 'ROLLING_BACK' || question === 'removal') {
      this.stage = status === 'ROLLING_BACK' ? 'removing' : 'deciding';
    }
  }

  /** Somebody cancels the batch while nothing is under way. */
  cancels(): void {
    if (this.cancelled || !this.isOpen) return;
    this.cancelled = true;
    const rollback = this.policy.onCancel === 'rollback';
    const stage = this.stage;
    if (stage === 'removing' || stage === 'deciding') return;
    if (rollback && this.offer.mayBeTaken && (stage === 'offering' || stage === 'processing')) return;
    this.ends('CANCELLED');
  }

  isAbandoned(): void {
    this.ends('FAILED');
  }

  /** The policy changes: what is decided already stays so. */
  changes(change: PolicyOverrides): void {
    this.policy = resolvePolicy(this.policy, change);
  }

  isExtended(until: number): void {
    this.extendedUntil = until;
  }

  deadlineIsAbandoned(): void {
    this.is('closed', 'EXPIRED');
  }

  removesAgain(): void {
    this.removal = this.removal.again();
    this.stage = 'removing';
  }

  removalIsAbandoned(): void {
    this.is('closed', 'FAILED');
  }

  private prepares(retrying: readonly string[]): void {
    if (retrying.includes('validateBatch')) return;
    const { all, valid } = this.cards;
    if (valid === 0 || (valid < all && this.policy.onInvalidRecords === 'rejectBatch')) {
      this.is('closed', 'REJECTED');
    } else this.is('offering', 'SUBMITTING', 'ENCRYPTING');
  }

  private happens(event: Timed<WireEvent>): void {
    switch (event.op) {
      case 'enroll':
        return this.offered(event);
      case 'status':
        return this.stage === 'asking' ? this.checked(event) : this.polled(event);
      case 'deleteCard':
      case 'deleteProfile':
        return this.removal.wasAnswered(event.id, isDone(event));
      case 'death':
        if (event.activityType !== 'submitBatch') return;
        this.offer.isMade(event.at);
        return this.isUncertain(event.at);
      case 'cancel':
        this.cancelled = true;
    }
  }

  private offered({ externalBatchId, result, at: now }: Event<'enroll'>): void {
    if (externalBatchId !== roundBatchId(this.id, this.round)) this.startsRound();
    this.offer.isMade(now);
    switch (result.kind) {
      case 'ok':
        return this.accepts((result as { batchId: string }).batchId, now);
      case 'duplicate':
        this.offer.mayBeTaken = true;
        if (result.batchId === undefined) return this.asks();
        return this.accepts(result.batchId, now);
      case 'refused':
        return this.offer.mayBeTaken ? this.asks() : this.ends(this.notTaken('REJECTED'));
      case 'configuration':
        return this.ends('FAILED');
      case 'unknown':
        return this.isUncertain(now);
      case 'notSent':
      case 'notAccepted':
        return this.offersAgain(now);
      case 'notFound':
        throw new Error('no answer to an offer means that');
    }
  }

  private isUncertain(now: number): void {
    this.offer.mayBeTaken = true;
    if (this.policy.uncertainSubmission === 'askOperator') this.asks();
    else this.offersAgain(now);
  }

  private offersAgain(now: number): void {
    if (this.cancelled && !(this.policy.onCancel === 'rollback' && this.offer.mayBeTaken)) {
      return this.ends('CANCELLED');
    }
    this.is('offering', 'SUBMITTING');
    if (!this.offer.mayBeTooLate(this.policy, now)) return;
    this.removal = new Removal(LATE_ENDINGS);
    const uncertain = this.cancelled ? 'CANCELLED' : 'AWAITING_OPERATOR';
    const late = this.offer.mayBeTaken ? uncertain : this.notTaken('FAILED');
    this.possible.push(late, 'ROLLED_BACK', 'ROLLING_BACK');
  }

  private accepts(batchId: string, now: number): void {
    this.offer.mayBeTaken = true;
    this.batchId = batchId;
    this.acceptedAt = now;
    if (this.cancelled && this.policy.onCancel === 'leave') this.ends('CANCELLED');
    else this.is('processing', 'PROCESSING');
  }

  private asks(): void {
    if (this.cancelled) this.ends('CANCELLED');
    else this.is('asking', 'AWAITING_OPERATOR');
  }

  /** Mastercard was asked about a batchId that an operator gave: its word counts. */
  private checked({ batchId, result, at }: Event<'status'>): void {
    if (result.kind !== 'ok') return;
    const { externalBatchId } = result as { externalBatchId: string };
    if (externalBatchId === roundBatchId(this.id, this.round)) this.accepts(batchId, at);
  }

  private polled({ result, at: now }: Event<'status'>): void {
    if (result.kind === 'notFound') {
      const grace = this.acceptedAt + this.policy.polling.notFoundGrace;
      if (now > grace - SLACK_MS) this.possible.push('FAILED');
    }
    if (result.kind !== 'ok') return;
    const { externalBatchId, batchStatus } = result as { externalBatchId: string; batchStatus: string };
    if (externalBatchId !== roundBatchId(this.id, this.round)) return this.asks();
    if (TERMINAL.has(batchStatus)) this.terminates(batchStatus);
  }

  private terminates(batchStatus: string): void {
    const round = this.accepted().find(({ batchId }) => batchId === this.batchId);
    for (const { externalConsumerId, externalCardId, outcome } of round?.records ?? []) {
      this.outcomes.set(`${externalConsumerId} ${externalCardId}`, outcome);
    }
    const again = (round?.records ?? []).some(({ outcome }) => PASSING_RECORD_REASONS.has(outcome));
    if (again && this.round < this.policy.retryFailedRecords.maxRounds) {
      if (this.cancelled) return this.ends('CANCELLED');
      return this.is('between', 'PROCESSING');
    }
    if (batchStatus === BatchStatusValue.failed) return this.ends('FAILED');
    if (this.cancelled && this.policy.onCancel === 'rollback') return this.ends('CANCELLED');
    this.ends(this.enrolled() === this.cards.all ? 'COMPLETED' : 'COMPLETED_WITH_ERRORS');
  }

  private startsRound(): void {
    this.round += 1;
    this.offer = new Offer();
    this.batchId = undefined;
  }

  private mayExpire(): void {
    if (this.now > this.deadline - SLACK_MS)
      this.possible.push('EXPIRED', 'ROLLING_BACK', 'AWAITING_OPERATOR');
  }

  /** How the batch ends when Mastercard did not take the round, and never will. */
  private notTaken(first: BatchStatus): BatchStatus {
    return this.round === 1 ? first : 'COMPLETED_WITH_ERRORS';
  }

  /** The batch ends, unless its cards are to be removed first. */
  private ends(status: BatchStatus): void {
    const cancelled = this.cancelled && this.policy.onCancel === 'rollback';
    const incomplete = status === 'COMPLETED_WITH_ERRORS' || status === 'FAILED';
    const takesBack = cancelled || (incomplete && this.policy.onPartialFailure === 'rollback');
    if (!takesBack || this.enrolled() === 0) return this.is('closed', status);
    this.removal = new Removal([status === 'FAILED' ? 'FAILED' : cancelled ? 'CANCELLED' : 'ROLLED_BACK']);
    this.stage = 'removing';
  }

  private removes(retrying: readonly string[]): void {
    if (retrying.includes('removeCards')) return this.is('removing', 'ROLLING_BACK');
    if (retrying.includes('purgeBatch')) {
      this.possible = ['ROLLING_BACK'];
      return;
    }
    if (this.removal.hasFailed) this.is('deciding', 'AWAITING_OPERATOR');
    else this.is('closed', ...this.removal.endings);
  }

  private enrolled(): number {
    return [...this.outcomes.values()].filter((outcome) => outcome === 'SUCCESS').length;
  }

  private is(stage: Stage, ...possible: BatchStatus[]): void {
    this.stage = stage;
    this.possible = possible;
  }
}

/** An answer that died with the worker that got it tells the batch nothing. */
function isReported(event: WireEvent, index: number, events: readonly WireEvent[]): boolean {
  const next = events[index + 1];
  return !(event.op === 'status' && next?.op === 'death' && next.activityType === 'fetchBatchStatus');
}

/** A profile that has cards of others is to stay. */
function isDone({ op, result }: Event<'deleteCard' | 'deleteProfile'>): boolean {
  if (result.kind === 'ok') return true;
  return op === 'deleteProfile' && 'reason' in result && result.reason === PROFILE_HAS_CARDS_REASON;
}

/** How a batch may end that some time limit has ended, when its cards are removed. */
const LATE_ENDINGS: readonly BatchStatus[] = ['EXPIRED', 'CANCELLED', 'ROLLED_BACK', 'FAILED'];

const TERMINAL: ReadonlySet<string> = new Set([
  BatchStatusValue.completed,
  BatchStatusValue.completedWithErrors,
  BatchStatusValue.failed,
]);
