import type { ReportedCard } from '../../enrollment/reconciliation.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import type { FailureKind, GatewayOperation } from '../../mastercard/api/failures.js';
import { clean, readError, readReport } from '../../mastercard/reading.js';

/** The body of an error answer, as c2p keeps it. */
export function readErrorBody(body: string | undefined) {
  const error = readError(batchEnroll, body);
  const { gateway = false, recoverable = false, batchId, externalBatchId } = error;
  return { gateway, recoverable, batchId, externalBatchId, ...clean(batchEnroll, error) };
}

/** What is known after an answer with this body. */
export function kindOf(httpStatus: number, body: string, operation: GatewayOperation): FailureKind {
  return batchEnroll.errors.kindOf({ operation, httpStatus, error: readError(batchEnroll, body) });
}

/** The cards of a status answer. */
export function readCards(records: unknown): ReportedCard[] | undefined {
  const ids = { batchId: 'mc-1', externalBatchId: 'batch-1', batchStatus: 'FAILED' };
  return readReport(batchEnroll, JSON.stringify({ ...ids, records }))?.cards;
}
