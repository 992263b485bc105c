import { BatchStatusValue } from '../support/scripted-gateway.js';
import { GatewayFailure, type FailureFacts } from '../../mastercard/errors.js';
import type {
  BatchReport,
  BatchSubmission,
  StatusRequest,
  SubmissionReceipt,
} from '../../mastercard/gateway.js';
import { declined, report, success } from '../support/scripted-gateway.js';

/** What Mastercard answers in scenarios, about batches of `testRecords`. */

function submission(facts: Omit<FailureFacts, 'operation'>): GatewayFailure {
  return new GatewayFailure({ operation: 'submitBatch', ...facts });
}

export const throttled = submission({ kind: 'notAccepted', httpStatus: 429, retryAfterMs: 60_000 });
export const lost = submission({ kind: 'unknown', httpStatus: 504 });
export const duplicate = submission({ kind: 'duplicate', httpStatus: 409, reason: 'ALREADY_EXISTS' });
export const refused = submission({ kind: 'refused', httpStatus: 400, reason: 'INVALID_ARGUMENT' });
export const callerRefused = submission({ kind: 'configuration', httpStatus: 401 });

export const notFound = new GatewayFailure({
  operation: 'fetchBatchStatus',
  kind: 'notFound',
  httpStatus: 404,
});
export const notRemovable = new GatewayFailure({
  operation: 'deleteCard',
  kind: 'refused',
  httpStatus: 400,
  reason: 'INVALID_STATE',
});

const { completed, completedWithErrors, failed, inProgress } = BatchStatusValue;
const [first, second] = [
  ['cust-1', 'card-100'],
  ['cust-2', 'card-200'],
] as const;

export const processing = (id: string) => report(id, inProgress);
export const failedBatch = (id: string) => report(id, failed);
/** Both cards are enrolled. */
export const all = (id: string) => report(id, completed, [success(...first), success(...second)]);
/** The first card is enrolled, and the second is not. */
export const half = (id: string, reason = 'PAN_INELIGIBLE') =>
  report(id, completedWithErrors, [success(...first), declined(...second, reason)]);

/** Takes any round, under a batchId that names it. */
export function accepting({ externalBatchId }: BatchSubmission): SubmissionReceipt {
  return { batchId: `mc-${externalBatchId}` };
}

/**
 * A first round in which the second card fails for a passing reason; then the second round of it alone.
 * @param inSecondRound default: the card is enrolled.
 */
export function twoRounds(inSecondRound: (id: string) => BatchReport = enrolledInSecondRound) {
  return ({ batchId }: StatusRequest): BatchReport => {
    const id = batchId.slice('mc-'.length);
    const answer = id.endsWith('~2') ? inSecondRound(id) : half(id, 'NO_RESPONSE_FROM_ISSUER');
    return { ...answer, batchId };
  };
}

const enrolledInSecondRound = (id: string) => report(id, completed, [success(...second)]);
