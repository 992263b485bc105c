import type { Outcome } from '../enrollment/outcomes.js';
import type { ReportedCard } from '../enrollment/reconciliation.js';
import type { RecordResult, ServiceError } from './contract.js';
import { PASSING_RECORD_REASONS, RecordStatusValue } from './contract.js';
import { cleanText, readServiceError, UNSPECIFIED } from './error-body.js';

const SRC_ID_LIMIT = 255;

const RESULT_OF: ReadonlyMap<unknown, ReportedCard['result']> = new Map([
  [RecordStatusValue.success, 'enrolled'],
  [RecordStatusValue.failed, 'failed'],
]);

/**
 * Puts the record-level results of a status answer into the words of `reconcile`.
 *
 * The reason of a declined card is the first detail reason if there is one, else the top reason. Every
 * text that Mastercard wrote, statuses and reasons too, is masked and cut (`cleanText`). An
 * `srcConsumerId` or `srcDigitalCardId` that is not a string of 1 to 255 characters is left out: an
 * answer is only as typed as Mastercard makes it.
 */
export function toReportedCards(records: readonly RecordResult[]): ReportedCard[] {
  return records.map((record) => ({
    externalConsumerId: record.externalConsumerId,
    externalCardId: record.externalCardId,
    result: RESULT_OF.get(record.status) ?? 'unknown',
    rawStatus: typeof record.status === 'string' ? cleanText(record.status) : '',
    ...explain(record.error),
    srcConsumerId: srcId(record.srcConsumerId),
    srcDigitalCardId: srcId(record.srcDigitalCardId),
  }));
}

/** Whether Mastercard declined a card for a reason that may have passed when it is sent again. */
export function hasPassingReason({ status, reason }: Outcome): boolean {
  return status === 'FAILED' && reason !== undefined && PASSING_RECORD_REASONS.has(reason);
}

function explain(error: ServiceError | null | undefined): Pick<ReportedCard, 'reason' | 'details'> {
  if (!error) return {};
  const { reason, details } = readServiceError({ ...error });
  return {
    reason:
      details.map((detail) => detail.reason).find((detailReason) => detailReason !== UNSPECIFIED) ?? reason,
    details: details.map(({ source, reason: code, message }) => ({ path: source, code, message })),
  };
}

function srcId(id: unknown): string | undefined {
  return typeof id === 'string' && id.length > 0 && id.length <= SRC_ID_LIMIT ? id : undefined;
}
