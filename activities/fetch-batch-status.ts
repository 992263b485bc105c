import type { BatchKey, BlobRef } from '../enrollment/batch.js';
import { Blob } from '../enrollment/blobs.js';
import {
  countOutcomes,
  inOrderOf,
  isDeclinedFor,
  mergeOutcomes,
  type Outcome,
  type OutcomeCounts,
} from '../enrollment/outcomes.js';
import { reconcile, type AnswerAnomalies } from '../enrollment/reconciliation.js';
import { cardKeysOf, recordsOf, type CardKey, type EnrollmentRecord } from '../enrollment/records.js';
import { withProfilesThatMayRemain } from '../enrollment/removal.js';
import type { EnrollmentApi } from '../mastercard/api/enrollment-api.js';
import { GatewayFailure } from '../mastercard/errors.js';
import type { BatchReport } from '../mastercard/gateway.js';
import { getJson, putJson } from '../store/store.js';
import type { ActivityDependencies } from './dependencies.js';
import { repeatableCall } from './repeatable-call.js';
import { readingBlobs, type Unreadable } from '../store/unreadable.js';

export interface FetchBatchStatusInput {
  batch: BatchKey;
  round: number;
  batchId: string;
  flowId?: string | undefined;
  /** On the terminal answer, put the records that may be sent again aside for this round. */
  retryInRound?: number | undefined;
}

export type StatusAnswer =
  /** Not terminal: `batchStatus` as Mastercard wrote it, `known` if this version knows the value. */
  | { kind: 'processing'; batchStatus: string; known: boolean; flowId?: string | undefined }
  /** Terminal and reconciled: every card sent has an outcome in the store. */
  | {
      kind: 'terminal';
      batchStatus: string;
      batchFailed: boolean;
      counts: OutcomeCounts;
      anomalies: AnswerAnomalies;
      /** Cards that failed for a passing reason, and where their records were put for the next round. */
      retry?: { records: BlobRef; cards: number } | undefined;
    }
  /** Mastercard does not know the batchId: a replica behind, or a wrong id. */
  | { kind: 'notFound'; message: string }
  /** Mastercard refuses the question itself (401, 403, 400): pointless to repeat at once, worth another look later. */
  | { kind: 'denied'; message: string }
  /** The batchId is that of another externalBatchId. */
  | { kind: 'foreign' };

/**
 * Asks Mastercard how far the batch is; on the terminal answer gives every card that was sent its
 * outcome. A GET, so Temporal may repeat it freely; the outcomes of a repeat are the same.
 *
 * @throws ApplicationFailure of type GatewayUnavailable: Temporal retries, after `Retry-After` if given; of type
 *   ConfigurationInvalid, for another worker that knows the program.
 */
export function fetchBatchStatus(deps: Pick<ActivityDependencies, 'store' | 'program'>) {
  return (input: FetchBatchStatusInput): Promise<StatusAnswer | Unreadable> =>
    readingBlobs(async () => {
      const { batchId, flowId } = input;
      const { api, gateway } = deps.program(input.batch.program);
      const report = await repeatableCall((correlationId, options) =>
        gateway.fetchBatchStatus({ batchId, flowId, correlationId }, options),
      );
      if (report instanceof GatewayFailure) return answerOf(report);
      if (report.externalBatchId !== api.batch.roundId(input.batch.externalBatchId, input.round)) {
        return { kind: 'foreign' };
      }
      const { batchStatus, state } = report;
      if (state === 'inProgress' || state === 'unknown')
        return { kind: 'processing', batchStatus, known: state === 'inProgress', flowId: report.flowId };
      const recorded = await recordOutcomes(deps, input, report, api);
      return { kind: 'terminal', batchStatus, batchFailed: state === 'failed', ...recorded };
    });
}

async function recordOutcomes(
  { store }: Pick<ActivityDependencies, 'store'>,
  { batch, round, retryInRound }: FetchBatchStatusInput,
  report: BatchReport,
  { errors }: EnrollmentApi,
): Promise<Pick<Extract<StatusAnswer, { kind: 'terminal' }>, 'counts' | 'anomalies' | 'retry'>> {
  const cards = await getJson<CardKey[]>(store, batch, Blob.cards);
  const known = await getJson<Outcome[]>(store, batch, Blob.outcomes);
  const records = await getJson<EnrollmentRecord[]>(store, batch, Blob.validated(round));
  const { outcomes, anomalies } = reconcile(cardKeysOf(records), report.cards, round);
  const merged = withProfilesThatMayRemain(inOrderOf(cards, mergeOutcomes(known, outcomes)));
  await putJson(store, batch, Blob.outcomes, merged);
  const counts = countOutcomes(cards.length, merged);
  if (retryInRound === undefined) return { counts, anomalies };

  const again = recordsOf(
    records,
    outcomes.filter((outcome) => isDeclinedFor(errors.passing, outcome)),
  );
  if (again.length === 0) return { counts, anomalies };
  const ref = Blob.validated(retryInRound);
  await putJson(store, batch, ref, again);
  return { counts, anomalies, retry: { records: ref, cards: cardKeysOf(again).length } };
}

/** A batch that Mastercard has is not given up because a key expired: that heals, and the next poll sees it. */
function answerOf({ kind, message }: GatewayFailure): StatusAnswer {
  return { kind: kind === 'notFound' ? 'notFound' : 'denied', message };
}
