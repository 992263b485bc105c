import { createHash } from 'node:crypto';
import type { ReportedCard } from '../../enrollment/reconciliation.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import { GatewayFailure } from '../../mastercard/errors.js';
import type {
  BatchReport,
  BatchSubmission,
  CardRemoval,
  EnrollmentGateway,
  ProfileRemoval,
  RemovalResult,
  StatusRequest,
  SubmissionReceipt,
} from '../../mastercard/gateway.js';

type Answer<Request, Result> = Result | GatewayFailure | ((request: Request) => Result | Promise<Result>);

/** A Mastercard that answers what the test wrote down, in that order; the last answer is repeated. */
export class ScriptedGateway implements EnrollmentGateway {
  /** What was offered: id and digest of the bytes. */
  readonly submissions: { externalBatchId: string; sha256: string; at: number }[] = [];
  readonly polls: StatusRequest[] = [];
  readonly cardRemovals: CardRemoval[] = [];
  readonly profileRemovals: ProfileRemoval[] = [];

  constructor(
    private readonly script: {
      submit?: Answer<BatchSubmission, SubmissionReceipt>[];
      status?: Answer<StatusRequest, BatchReport>[];
      /** Default: every card and every profile is removed. */
      deleteCard?: Answer<CardRemoval, RemovalResult>[];
      deleteProfile?: Answer<ProfileRemoval, RemovalResult>[];
    } = {},
  ) {}

  async submitBatch(request: BatchSubmission): Promise<SubmissionReceipt> {
    const { externalBatchId, enrollmentData } = request;
    const sha256 = createHash('sha256').update(enrollmentData).digest('hex');
    this.submissions.push({ externalBatchId, sha256, at: Date.now() });
    return play(this.script.submit ?? [{ batchId: 'mc-1' }], this.submissions.length, request);
  }

  async fetchBatchStatus(request: StatusRequest): Promise<BatchReport> {
    this.polls.push(request);
    const script = this.script.status;
    if (!script) throw new Error('the test wrote down no status answers');
    return play(script, this.polls.length, request);
  }

  async deleteCard(request: CardRemoval): Promise<RemovalResult> {
    this.cardRemovals.push(request);
    return play(this.script.deleteCard ?? ['removed'], this.cardRemovals.length, request);
  }

  async deleteProfile(request: ProfileRemoval): Promise<RemovalResult> {
    this.profileRemovals.push(request);
    return play(this.script.deleteProfile ?? ['removed'], this.profileRemovals.length, request);
  }

  async close(): Promise<void> {}
}

async function play<Request, Result>(
  script: Answer<Request, Result>[],
  nth: number,
  request: Request,
): Promise<Result> {
  const answer = script[Math.min(nth, script.length) - 1];
  if (answer instanceof GatewayFailure) throw answer;
  if (typeof answer === 'function')
    return (answer as (request: Request) => Result | Promise<Result>)(request);
  return answer as Result;
}

/** Mastercard's words for the state of a batch. */
export const BatchStatusValue = {
  inProgress: 'IN_PROGRESS',
  completed: 'COMPLETED_SUCCESSFULLY',
  completedWithErrors: 'COMPLETED_WITH_ERRORS',
  failed: 'FAILED',
} as const;

/** A status answer about a batch. */
export function report(
  externalBatchId: string,
  batchStatus: string,
  cards: ReportedCard[] = [],
): BatchReport {
  const state = batchEnroll.status.states.get(batchStatus) ?? 'unknown';
  return { batchId: 'mc-1', externalBatchId, batchStatus, state, cards };
}

/** A record-level success for the card that `testRecord(n)` has. */
export function success(externalConsumerId: string, externalCardId: string): ReportedCard {
  return {
    externalConsumerId,
    externalCardId,
    result: 'enrolled',
    rawStatus: 'SUCCESS',
    srcConsumerId: `src-${externalConsumerId}`,
    srcDigitalCardId: `dig-${externalCardId}`,
  };
}

export function declined(externalConsumerId: string, externalCardId: string, reason: string): ReportedCard {
  return {
    externalConsumerId,
    externalCardId,
    result: 'failed',
    rawStatus: 'FAILED',
    reason,
    details: [{ path: 'Card', code: reason, message: undefined }],
  };
}
