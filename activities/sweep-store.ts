import { Context, log } from '@temporalio/activity';
import { closeOrphan } from '../retention/close-orphan.js';
import { findOrphans } from '../retention/orphans.js';
import { lookingClient } from '../retention/looking-client.js';
import { resealStore } from '../store/reseal.js';
import { whileHeartbeating } from './heartbeat.js';
import type { ActivityDependencies } from './dependencies.js';

/** Numbers of batches and of blobs. */
export interface SweepStoreResult {
  /** How long a batch must not have been written to, and its workflow have been closed (ms). */
  graceMs: number;
  /** Closed, or only erased where they were closed before: their workflow ended in Temporal. */
  ended: number;
  /** Closed, or only erased where no workflow had begun them: Temporal does not know their workflow. */
  unknown: number;
  /** Left as they are: they may be open in another namespace. */
  elsewhere: number;
  erasedBlobs: number;
  /** Left as they are, since a key is missing that they are sealed under; absent where there were none. */
  keyMissing?: number | undefined;
  /** Sealed anew under the current key; absent where there were none. */
  resealedBlobs?: number | undefined;
  /** Neither sealed anew nor erased, since they do not open; absent where there were none. */
  unreadableBlobs?: number | undefined;
}

/**
 * Closes every batch that no workflow of this namespace will close any more, as the retention rule has it, and
 * erases what callers left that died before they started theirs. What may be another namespace's is only counted.
 * Then it seals anew what is not sealed under the current key.
 * It may be run as often as one likes; an attempt that is cut short has done whole blobs, and the next
 * finds the rest.
 */
export function sweepStore({
  graceMs,
  ...deps
}: Pick<ActivityDependencies, 'store' | 'recordRules' | 'now' | 'graceMs'>) {
  return (_: object): Promise<SweepStoreResult> =>
    whileHeartbeating(async () => {
      const { store } = deps;
      const { client, info, cancellationSignal } = Context.current();
      const temporal = lookingClient(client);
      // Temporal's clock, as it also gives the time at which a workflow closed.
      const retention = { temporal, graceMs, now: new Date(info.currentAttemptScheduledTimestampMs) };
      const result: SweepStoreResult = { graceMs, ended: 0, unknown: 0, elsewhere: 0, erasedBlobs: 0 };
      for await (const orphan of findOrphans(store, retention)) {
        cancellationSignal.throwIfAborted();
        const { program, externalBatchId, why } = orphan;
        if (why === 'ELSEWHERE') result.elsewhere += 1;
        const end = await closeOrphan({ temporal, ...deps }, orphan, { by: 'the sweep' });
        if (end.kind === 'leftAlone') continue;
        if (end.kind === 'unreadable') {
          result.keyMissing = (result.keyMissing ?? 0) + 1;
          log.warn('an orphaned batch cannot be closed', { program, externalBatchId, message: end.message });
          continue;
        }
        const { kind, blobs } = end;
        result[why === 'ENDED' ? 'ended' : 'unknown'] += 1;
        result.erasedBlobs += blobs;
        log.info(`${kind} an orphaned batch`, { program, externalBatchId, why, blobs });
      }
      const { resealed, unreadable } = await resealStore(store, {
        onBatch: () => {
          cancellationSignal.throwIfAborted();
        },
        onUnreadable: ({ program, externalBatchId }, { message }) => {
          log.warn('a blob of the store does not open', { program, externalBatchId, message });
        },
      });
      if (resealed > 0) result.resealedBlobs = resealed;
      if (unreadable > 0) result.unreadableBlobs = unreadable;
      return result;
    });
}
