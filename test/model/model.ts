import { isClosed, type BatchStatus, type ClosedStatus } from '../../enrollment/batch.js';
import { cardKey } from '../../enrollment/outcomes.js';
import { resolvePolicy, type EnrollmentPolicy, type PolicyOverrides } from '../../enrollment/policy.js';
import type { Question } from '../../enrollment/questions.js';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import type { AcceptedBatch } from '../../simulator/index.js';
import type { Standing } from './batch-run.js';
import { Offer, SLACK_MS } from './offer.js';
import { Removal } from './removal.js';
import type { Timed, WireEvent } from './watched-run.js';

/**
 * Where a batch must be, as far as a step matters to what may follow. `late`: Mastercard is not done at the
 * deadline, and an operator is asked for more time; `between`: a further round is due; `deciding`: an operator is
 * asked about what could not be removed.
 */
export type Stage =
  | 'preparing'
  | 'offering'
  | 'processing'
  | 'late'
  | 'asking'
  | 'between'
  | 'removing'
  | 'deciding'
  | 'closed';

const QUESTIONS: Partial<Record<Stage, Question>> = {
  asking: 'batchId',
  late: 'moreTime',
  deciding: 'removal',
};

type Event<Op extends WireEvent['op']> = Timed<Extract<WireEvent, { op: Op }>>;

/** A poll at the deadline has this long (ms) to be answered. */
const LAST_POLL_MS = 60_000;

/**
 * What a batch is and may become, worked out from the policy and from what was seen on the wire: the words of the
 * README and of docs/operations.md about it, written down without Temporal and without a look at the product.
 */
export class Model {
  stage: Stage = 'preparing';
  /** Which statuses that allows. */
  possible: BatchStatus[] = ['VALIDATING', 'ENCRYPTING'];
  round = 1;
  cancelled = false;
  /** Activities that wait to be tried again: nothing is sent to the batch then. */
  retrying: readonly string[] = [];
  /** Of the present round: what Mastercard has of it, or may have, when the batch ends nobody knows. */
  isUnsettled = false;
  /** Under which c2p asks about the current round. */
  private batchId: string | undefined;
  private offer = new Offer();
  private acceptedAt = 0;
  private polledAt = 0;
  private extendedUntil = 0;
  /** Somebody cancelled it instead of giving Mastercard more time. */
  private isLastPoll = false;
  private further: { since: number; cards: string[]; otherwise: ClosedStatus } | undefined;
  private now = 0;
  /** By card, what Mastercard's terminal answers said. */
  private readonly outcomes = new Map<string, string>();
  private removal: Removal | undefined;
  /** A time limit is so near that it decides now or later: what is seen next says which. */
  private near: { goesOnAs: BatchStatus; isOver: () => void } | undefined;

  /** @param cards `sent`: the keys of those of the present round, first of all that are valid. */
  constructor(
    private readonly id: string,
    public policy: EnrollmentPolicy,
    readonly cards: { all: number; sent: string[] },
    /** Whether the workers keep the workflow in memory, and whether a new run takes over at every wait. */
    readonly how: { cached: boolean; handsOver: boolean },
    private readonly accepted: () => AcceptedBatch[],
  ) {}

  get isOpen(): boolean {
    return this.stage !== 'closed';
  }

  /** What an operator must be asked. */
  get question(): Question | undefined {
    return QUESTIONS[this.stage];
  }

  /** Whether Mastercard has the batch and c2p asks how far it is. */
  get isPolled(): boolean {
    return this.stage === 'processing' || this.stage === 'late';
  }

  /** Until when Mastercard is polled. */
  get deadline(): number {
    return Math.max(this.acceptedAt + this.policy.polling.deadline, this.extendedUntil);
  }

  /** Whether it is all cards or none: who cancels a batch decides about that anew. */
  get takesBack(): boolean {
    const { onCancel, onPartialFailure } = this.policy;
    return (this.cancelled ? onCancel : onPartialFailure) === 'rollback';
  }

  /** Takes in what happened. */
  follow({ events, now, retrying, status }: Standing): void {
    this.now = now;
    this.retrying = retrying;
    if (this.stage === 'preparing') this.prepares();
    for (const event of events.filter(isReported)) {
      this.decideBy(event);
      this.happens(event);
    }
    if (retrying.length === 0) this.timeHasPassed();
    if (this.near && status !== this.near.goesOnAs) this.near.isOver();
    this.near = undefined;
    if (retrying.includes('encryptBatch')) this.possible = ['ENCRYPTING'];
    if (this.stage === 'removing') this.removes();
  }

  /** Somebody cancels the batch while nothing is under way. */
  cancels(): void {
    if (this.cancelled || !this.isOpen) return;
    this.cancelled = true;
    const { stage } = this;
    if (stage === 'removing' || stage === 'deciding') return;
    if (stage === 'asking') return this.ends('CANCELLED', true);
    if (stage === 'between') return this.ends('CANCELLED');
    if (this.mustBeKnown) {
      // Mastercard is asked a last time.
      if (stage !== 'late') return;
      this.isLastPoll = true;
      return this.is('processing', 'PROCESSING');
    }
    this.ends('CANCELLED', this.offer.mayBeTaken);
  }

  /** The policy changes: what is decided already stays so, and all else goes by it at once. */
  changes(change: PolicyOverrides): void {
    this.policy = resolvePolicy(this.policy, change);
    if (this.stage === 'late') {
      if (this.now < this.deadline) this.is('processing', 'PROCESSING');
      else if (!this.mayNotExpire) this.ends('EXPIRED', true);
    }
    if (this.further && this.round >= this.policy.retryFailedRecords.maxRounds)
      this.ends(this.further.otherwise);
  }

  /** The operator gives up to find out what became of the round. */
  isAbandoned(): void {
    this.ends('FAILED', true);
  }

  /** The operator says that Mastercard does not have it; who is mistaken then makes it two. */
  isSentAgain(): void {
    this.offer = new Offer(true);
    this.is('offering', 'SUBMITTING');
  }

  isExtended(until: number): void {
    this.extendedUntil = until;
    this.is('processing', 'PROCESSING');
  }

  deadlineIsAbandoned(): void {
    this.ends('EXPIRED', true);
  }

  removesAgain(): void {
    this.removal = this.removal?.again();
    this.stage = 'removing';
  }

  removalIsAbandoned(): void {
    this.is('closed', 'FAILED');
  }

  private prepares(): void {
    if (this.retrying.includes('validateBatch')) return;
    const { all, sent } = this.cards;
    if (sent.length === 0 || (sent.length < all && this.policy.onInvalidRecords === 'rejectBatch'))
      this.is('closed', 'REJECTED');
    else this.is('offering', 'SUBMITTING');
  }

  private happens(event: Timed<WireEvent>): void {
    switch (event.op) {
      case 'enroll':
        return this.offered(event);
      case 'status':
        return this.stage === 'asking' ? this.checked(event) : this.polled(event);
      case 'deleteCard':
      case 'deleteProfile':
        return this.removal?.wasAnswered(event.activity, event.id, isDone(event));
      case 'death':
        return this.workerDied(event);
      case 'cancel':
        this.cancelled = true;
    }
  }

  private workerDied({ activityType, activity, at }: Event<'death'>): void {
    this.removal?.workerDied(activity);
    if (activityType === 'fetchBatchStatus' && this.isPolled) this.isUnanswered(at);
    if (activityType !== 'submitBatch') return;
    if (this.further) this.startsRound(at);
    this.offer.isMade(at, this.policy);
    this.isUncertain(at);
  }

  private offered({ externalBatchId, result, at }: Event<'enroll'>): void {
    if (externalBatchId !== batchEnroll.batch.roundId(this.id, this.round)) this.startsRound(at);
    this.offer.isMade(at, this.policy, result.kind === 'ok' ? 0 : result.retryAfterMs);
    switch (result.kind) {
      case 'ok':
        return this.accepts((result as { batchId: string }).batchId, at);
      case 'duplicate':
        this.offer.mayBeTaken = true;
        return result.batchId === undefined ? this.asks() : this.accepts(result.batchId, at);
      case 'refused':
        return this.offer.mayBeTaken ? this.asks() : this.ends(this.notTaken('REJECTED'));
      case 'configuration':
        return this.offer.mayBeTaken ? this.asks() : this.ends('FAILED');
      case 'unknown':
        return this.isUncertain(at);
      case 'notSent':
      case 'notAccepted':
        return this.offersAgain(at);
      case 'notFound':
        throw new Error('no answer to an offer means that');
    }
  }

  private isUncertain(at: number): void {
    this.offer.mayBeTaken = true;
    if (this.policy.uncertainSubmission === 'askOperator') this.asks();
    else this.offersAgain(at);
  }

  private offersAgain(at: number): void {
    if (this.cancelled && !this.mustBeKnown) return this.ends('CANCELLED', this.offer.mayBeTaken);
    this.is('offering', 'SUBMITTING');
    if (at < this.offer.deadline(this.policy) - SLACK_MS) return;
    const isOver = () => (this.offer.mayBeTaken ? this.asks() : this.ends(this.notTaken('FAILED')));
    this.near = { goesOnAs: 'SUBMITTING', isOver };
  }

  private accepts(batchId: string, at: number): void {
    this.offer.mayBeTaken = true;
    this.batchId = batchId;
    this.acceptedAt = this.polledAt = at;
    this.extendedUntil = 0;
    this.isLastPoll = false;
    if (this.cancelled && !this.mustBeKnown) this.ends('CANCELLED', true);
    else this.is('processing', 'PROCESSING');
  }

  /** What an operator must find out is not asked of who has cancelled the batch and leaves its cards. */
  private asks(): void {
    if (this.cancelled && !this.mustBeKnown) this.ends('CANCELLED', true);
    else this.is('asking', 'AWAITING_OPERATOR');
  }

  /** Mastercard was asked about a batchId that an operator gave: its word counts. */
  private checked(event: Event<'status'>): void {
    const { batchId, result, at } = event;
    if (result.kind !== 'ok') return;
    const { externalBatchId } = result as { externalBatchId: string };
    if (externalBatchId !== batchEnroll.batch.roundId(this.id, this.round)) return;
    this.accepts(batchId, at);
    if (this.isPolled) this.polled(event);
  }

  private polled({ result, at }: Event<'status'>): void {
    this.polledAt = at;
    this.is('processing', 'PROCESSING');
    if (result.kind === 'ok') {
      const { externalBatchId, batchStatus } = result as { externalBatchId: string; batchStatus: string };
      if (externalBatchId !== batchEnroll.batch.roundId(this.id, this.round)) return this.asks();
      if (TERMINAL.has(batchStatus)) return this.terminates(batchStatus, at);
    }
    if (!SAYS_NOTHING.has(result.kind) && this.isLastPoll) return this.isTooLate();
    this.isUnanswered(at);
    const grace = this.acceptedAt + this.policy.polling.notFoundGrace;
    // All cards or none: nobody can remove what is not known.
    if (result.kind === 'notFound' && at > grace - SLACK_MS)
      this.near = {
        goesOnAs: 'PROCESSING',
        isOver: () => (this.takesBack ? this.asks() : this.ends('FAILED', true)),
      };
  }

  /** Mastercard is not done, as far as is known. */
  private isUnanswered(at: number): void {
    this.polledAt = at;
    this.is('processing', 'PROCESSING');
    if (at > this.deadline - SLACK_MS) this.mayBeTooLate();
  }

  private mayBeTooLate(): void {
    this.near = { goesOnAs: 'PROCESSING', isOver: () => this.isTooLate() };
  }

  private isTooLate(): void {
    if (this.mayNotExpire && !this.isLastPoll) this.is('late', 'AWAITING_OPERATOR');
    else this.ends('EXPIRED', true);
  }

  /** Where it is all cards or none, an operator is asked before a batch closes that may enroll cards yet. */
  private get mayNotExpire(): boolean {
    return this.policy.onPollingDeadline === 'askOperator' || this.takesBack;
  }

  /** Whether a cancelled batch must be seen to its end, so that its cards can be removed. */
  private get mustBeKnown(): boolean {
    return this.policy.onCancel === 'rollback' && this.offer.mayBeTaken;
  }

  private terminates(batchStatus: string, at: number): void {
    const records = this.accepted().find(({ batchId }) => batchId === this.batchId)?.records ?? [];
    for (const record of records) this.outcomes.set(cardKey(record), record.outcome);
    const cards = records.filter(({ outcome }) => batchEnroll.errors.passing.has(outcome)).map(cardKey);
    const isComplete = this.enrolled() === this.cards.all;
    const answered = isComplete ? 'COMPLETED' : 'COMPLETED_WITH_ERRORS';
    const otherwise = batchStatus === BatchStatusValue.failed ? 'FAILED' : answered;
    const mayGoOn = !this.cancelled && this.round < this.policy.retryFailedRecords.maxRounds;
    if (cards.length === 0 || !mayGoOn) return this.ends(otherwise);
    this.further = { since: at, cards, otherwise };
    this.is('between', 'PROCESSING');
  }

  private startsRound(at: number): void {
    if (!this.further) throw new Error('a round began that nobody waited for');
    const due = this.further.since + this.policy.retryFailedRecords.delay;
    if (at < due - SLACK_MS) throw new Error('a round began before it was due');
    this.cards.sent = this.further.cards;
    this.further = undefined;
    this.round += 1;
    this.offer = new Offer();
    this.batchId = undefined;
  }

  /** Nothing waits for longer than the policy says. */
  private timeHasPassed(): void {
    const { policy, now } = this;
    const { polling, retryFailedRecords } = policy;
    const late = (due: number, what: string) => {
      if (now > due + SLACK_MS) throw new Error(`${what} is overdue since ${now - due} ms`);
    };
    if (this.near) return;
    if (this.stage === 'offering') late(this.offer.latest(policy), 'an offer');
    if (this.further) late(this.further.since + retryFailedRecords.delay, 'a round');
    if (this.stage !== 'processing') return;
    late(Math.min(this.polledAt + polling.maximum, this.deadline) + LAST_POLL_MS, 'a poll');
    if (now > this.deadline - SLACK_MS) this.mayBeTooLate();
  }

  /** What happens next says whether a time limit had decided. */
  private decideBy({ op, ...event }: Timed<WireEvent>): void {
    if (!this.near || op === 'cancel') return;
    const type = 'activityType' in event ? event.activityType : undefined;
    const again =
      this.stage === 'offering'
        ? op === 'enroll' || type === 'submitBatch'
        : op === 'status' || type === 'fetchBatchStatus';
    if (!again) this.near.isOver();
    this.near = undefined;
  }

  /** How the batch ends when Mastercard did not take the round, and never will: an earlier one keeps what it came to. */
  private notTaken(first: ClosedStatus): ClosedStatus {
    return this.round === 1 ? first : 'COMPLETED_WITH_ERRORS';
  }

  /** The batch ends, unless its cards are to be removed first: all that are known to be enrolled, however it ends. */
  private ends(status: ClosedStatus, isUnsettled = false): void {
    this.isUnsettled = isUnsettled;
    this.further = undefined;
    const isGood = status === 'COMPLETED' && !this.cancelled;
    const isFailure = status === 'FAILED' || status === 'EXPIRED';
    if (this.takesBack && !isGood && this.enrolled() > 0) {
      this.removal = new Removal(isFailure ? status : this.cancelled ? 'CANCELLED' : 'ROLLED_BACK');
      this.stage = 'removing';
    } else {
      const isCancelled = this.cancelled && this.takesBack && status === 'COMPLETED_WITH_ERRORS';
      this.is('closed', isCancelled ? 'CANCELLED' : status);
    }
  }

  private removes(): void {
    if (this.retrying.length > 0) this.possible = ['ROLLING_BACK'];
    else if (this.removal?.hasFailed) this.is('deciding', 'AWAITING_OPERATOR');
    else this.is('closed', this.removal!.ending);
  }

  private enrolled(): number {
    return [...this.outcomes.values()].filter((outcome) => outcome === 'SUCCESS').length;
  }

  private is(stage: Stage, status: BatchStatus): void {
    if (isClosed(status) !== (stage === 'closed')) throw new Error(`${stage} is not ${status}`);
    this.stage = stage;
    this.possible = [status];
  }
}

/** An answer that died with the worker that got it tells the batch nothing. */
function isReported(event: Timed<WireEvent>, index: number, events: readonly Timed<WireEvent>[]): boolean {
  const next = events[index + 1];
  const isLost = next?.op === 'death' && next.activity === event.activity;
  return !(isLost && (event.op === 'status' || event.op === 'enroll'));
}

/** A profile that has cards of others is to stay. */
function isDone({ op, result }: Event<'deleteCard' | 'deleteProfile'>): boolean {
  if (result.kind === 'ok') return true;
  return op === 'deleteProfile' && 'reason' in result && result.reason === 'INVALID_STATE';
}

/** Answers to a poll after which Temporal polls again, and the batch sees nothing of it. */
const SAYS_NOTHING: ReadonlySet<string> = new Set(['notSent', 'notAccepted', 'unknown']);

const TERMINAL: ReadonlySet<string> = new Set([
  BatchStatusValue.completed,
  BatchStatusValue.completedWithErrors,
  BatchStatusValue.failed,
]);
