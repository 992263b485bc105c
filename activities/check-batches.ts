import { activityInfo, getClient } from '@temporalio/activity';
import type { BatchKey } from '../enrollment/batch.js';
import { Blob, type ClosedBatch } from '../enrollment/blobs.js';
import { bulkBatchId, reportOf, type BulkKey, type ClosedBatchReport } from '../enrollment/bulk.js';
import { closeEnded } from '../retention/close-ended.js';
import type { Execution } from '../retention/find-execution.js';
import { lookingClient } from '../retention/looking-client.js';
import { fateOf, type Retention } from '../retention/rule.js';
import { getJson } from '../store/store.js';
import { isUnreadable, readingBlobs, type Unreadable } from '../store/unreadable.js';
import { ownerOf } from './batch-owner.js';
import type { ActivityDependencies } from './dependencies.js';

export interface BatchToCheck {
  n: number;
  cards: number;
  /**
   * The first run of the workflow that the job started for it; absent where it did not start one, since there was
   * a batch under the id: then it is first looked whose that is.
   */
  chain?: string | undefined;
}

export interface CheckBatchesInput {
  bulk: BulkKey;
  batches: BatchToCheck[];
}

/** A batch that is kept as it is for the grace time: an operator may take it back meanwhile. */
export interface WaitingBatch {
  n: number;
  /** ISO 8601, UTC. */
  until: string;
  why: string;
}

/** A batch whose blob cannot be read, so that c2p does not know what became of it. */
export interface UnreadableBatch {
  n: number;
  /** For an operator: which blob, why, and what to do. */
  message: string;
  /** The key that is missing, and may come; absent where the blob itself is damaged. */
  keyId?: string | undefined;
}

export function unreadableBatch(n: number, { why, keyId, message }: Unreadable): UnreadableBatch {
  return { n, message, keyId: why === 'keyMissing' ? keyId : undefined };
}

/** What became of each batch; of those that are open there is nothing to tell. */
export interface CheckBatchesResult {
  /** Those that are closed, or were closed here. */
  reports: ClosedBatchReport[];
  waiting: WaitingBatch[];
  /** Those of which a key is missing; what is damaged holds nothing up. */
  unreadable: UnreadableBatch[];
  /** Of those that are asked about without a chain: the job's own, which are not closed. */
  own: number[];
  /** Those whose id another batch has, which is left alone: the job never started them. */
  taken: number[];
}

/**
 * Looks what became of batches of a job that did not tell that they are closed. One whose workflow ended without
 * closing it is kept for the grace time, and then closed here, as the retention rule has it. Repeating it changes
 * nothing.
 */
export function checkBatches(deps: Pick<ActivityDependencies, 'store' | 'recordRules' | 'now' | 'graceMs'>) {
  return async ({ bulk, batches }: CheckBatchesInput): Promise<CheckBatchesResult> => {
    const retention: Retention = {
      temporal: lookingClient(getClient()),
      graceMs: deps.graceMs,
      // Temporal's clock, as it also gives the time at which a workflow ended.
      now: new Date(activityInfo().currentAttemptScheduledTimestampMs),
    };
    const result: CheckBatchesResult = { reports: [], waiting: [], unreadable: [], own: [], taken: [] };
    for (const batch of batches) {
      const found = await readingBlobs(() => check(deps, retention, bulk, batch));
      const { n, chain } = batch;
      if (chain === undefined && (found.kind === 'open' || found.kind === 'kept')) result.own.push(n);
      switch (found.kind) {
        case 'open':
          break;
        case 'closed':
          result.reports.push(found.report);
          break;
        case 'kept':
          result.waiting.push({ n, until: found.until.toISOString(), why: found.why });
          break;
        case 'taken':
          result.taken.push(n);
          break;
        case 'unreadable':
          result.unreadable.push(unreadableBatch(n, found));
      }
    }
    return result;
  };
}

type Found =
  | { kind: 'open' }
  | { kind: 'closed'; report: ClosedBatchReport }
  | { kind: 'kept'; until: Date; why: string }
  | { kind: 'taken' }
  | Unreadable;

/** @throws SealedBlobError for a key that is missing. */
async function check(
  deps: Pick<ActivityDependencies, 'store' | 'recordRules' | 'now'>,
  retention: Retention,
  { program, bulkId }: BulkKey,
  { n, cards, chain }: BatchToCheck,
): Promise<Found> {
  const { store } = deps;
  const batch: BatchKey = { program, externalBatchId: bulkBatchId(bulkId, n) };
  const fate = await fateOf(retention, batch, await store.lastWritten(batch));
  const { execution } = fate;
  if (chain === undefined && (await ownerOf(store, batch, execution, bulkId)) === 'other')
    return { kind: 'taken' };
  if (fate.kind === 'open') return fate;
  const closed = await readingBlobs(() => getJson<ClosedBatch>(store, batch, Blob.closed));
  if (isUnreadable(closed)) {
    if (closed.why === 'keyMissing') return closed;
  } else if (isOfThem(closed, chain, execution)) {
    const report = reportOf(closed.result, chain ?? closed.chain ?? execution?.chain ?? '');
    return { kind: 'closed', report };
  }
  if (fate.kind === 'kept') return fate;
  const end = await closeEnded(deps, { batch, execution, chain, cards });
  if (end.kind === 'unreadable') return end;
  return { kind: 'closed', report: reportOf(end.result, chain ?? execution?.chain ?? '') };
}

/** A batch that is taken back was closed before, by another workflow than the one that is asked about. */
function isOfThem(closed: ClosedBatch, chain: string | undefined, execution: Execution | undefined): boolean {
  const asked = [chain, execution?.chain].filter((one) => one !== undefined);
  return closed.chain === undefined || asked.length === 0 || asked.includes(closed.chain);
}
