import { follows } from '../enrollment/record-rules.js';
import type { ReportedCard } from '../enrollment/reconciliation.js';
import { parseShallow } from '../protection/json-depth.js';
import type { CardAnswer, EnrollmentApi } from './api/enrollment-api.js';
import { FAILURE_KINDS, type AnsweredCall, type ErrorAnswer, type FailureKind } from './api/failures.js';
import { cleaned, cleanPlace, cleanReason, cleanText, UNSPECIFIED } from './cleaning.js';
import type { FailureDetail } from './errors.js';
import type { BatchReport } from './gateway.js';

/** More than this many details say nothing new, and failures are kept in histories. */
const MAX_DETAILS = 20;

/**
 * What an `EnrollmentApi` reads from the body of an answer.
 * @returns undefined when the body is no JSON, or not what the API says.
 */
export function readWith<T>(body: string | undefined, read: (json: unknown) => T | undefined): T | undefined {
  try {
    return read(parseShallow(body ?? ''));
  } catch {
    return undefined;
  }
}

/** The answer of an accepted batch. */
export function readReceipt(api: EnrollmentApi, body: string | undefined) {
  return readWith(body, (json) => {
    const found = api.enroll.read(json);
    return found && follows(found.batchId, api.batch.batchId) ? found : undefined;
  });
}

/**
 * A status answer in the words of `reconcile`. Every text that Mastercard wrote is masked and cut, the ids apart: those
 * of ours are compared, and those of Mastercard's are needed. An id that Mastercard cannot have given is left out.
 */
export function readReport(
  api: EnrollmentApi,
  body: string | undefined,
): Omit<BatchReport, 'flowId'> | undefined {
  return readWith(body, (json) => {
    const found = api.status.read(json);
    if (!found || !follows(found.batchId, api.batch.batchId)) return undefined;
    const { batchId, externalBatchId, batchStatus, records } = found;
    return {
      batchId,
      externalBatchId,
      batchStatus: cleanText(batchStatus).slice(0, 64),
      state: api.status.states.get(batchStatus) ?? 'unknown',
      cards: records.map((record) => reportedCard(api, record)),
    };
  });
}

function reportedCard(api: EnrollmentApi, record: CardAnswer): ReportedCard {
  const { externalConsumerId, externalCardId, status, srcConsumerId, srcDigitalCardId, error } = record;
  const srcId = (id: string | undefined) =>
    id !== undefined && follows(id, api.removal.srcId) ? id : undefined;
  return {
    externalConsumerId,
    externalCardId,
    result: api.status.results.get(status) ?? 'unknown',
    rawStatus: cleanText(status),
    ...(error ? whyDeclined(api, error) : {}),
    srcConsumerId: srcId(srcConsumerId),
    srcDigitalCardId: srcId(srcDigitalCardId),
  };
}

/** The reason of a declined card is the first detail reason if there is one, else the top reason. */
function whyDeclined(api: EnrollmentApi, error: ErrorAnswer): Pick<ReportedCard, 'reason' | 'details'> {
  const { reason, details } = clean(api, error);
  return {
    reason: details.map((detail) => detail.reason).find((one) => one !== UNSPECIFIED) ?? reason,
    details: details.map(({ source, reason: code, message }) => ({ path: source, code, message })),
  };
}

/** The body of an error answer, as Mastercard wrote it: for decisions, and for nothing that is kept. */
export function readError(api: EnrollmentApi, body: string | undefined): ErrorAnswer {
  return (
    readWith(body, (json) => {
      const error = api.errors.read(json) ?? {};
      // What it says has to be usable by all that follows.
      clean(api, error);
      return error;
    }) ?? {}
  );
}

/** What is known after an answer that is an error; open where the API module gives no usable word. */
export function kindOf(api: EnrollmentApi, call: AnsweredCall): FailureKind {
  try {
    const kind = api.errors.kindOf(call);
    return FAILURE_KINDS.has(kind) ? kind : 'unknown';
  } catch {
    return 'unknown';
  }
}

/** What an error says, as it may be kept: texts masked and cut, reasons that the API lists. */
export function clean(
  api: EnrollmentApi,
  { reason: written, message: sentence, details: listed = [] }: ErrorAnswer,
): { reason?: string | undefined; details: FailureDetail[] } {
  const reason = cleanReason(written, api);
  const message = cleaned(sentence);
  if (listed.length === 0 && message !== undefined)
    return { reason, details: [{ reason: reason ?? UNSPECIFIED, message }] };
  const details = listed.slice(0, MAX_DETAILS).map((detail) => ({
    reason: cleanReason(detail.reason, api) ?? UNSPECIFIED,
    source: cleanPlace(detail.source),
    message: cleaned(detail.message),
  }));
  return { reason, details };
}
