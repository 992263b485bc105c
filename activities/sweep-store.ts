import { Context, log } from '@temporalio/activity';
import { eraseOrphan, findOrphans } from '../retention/orphans.js';
import { lookingClient } from '../retention/looking-client.js';
import { resealStore } from '../store/reseal.js';
import { whileHeartbeating } from './heartbeat.js';
import type { ActivityDependencies } from './dependencies.js';

export interface SweepStoreInput {
  /** How long a batch must not have been written to, and its workflow have been closed (ms). */
  graceMs: number;
}

/** Numbers of batches whose data was erased (`ended`, `unknown`) or left (`elsewhere`), and of blobs. */
export interface SweepStoreResult {
  ended: number;
  unknown: number;
  elsewhere: number;
  erasedBlobs: number;
  /** Sealed anew under the current key; absent where there were none. */
  resealedBlobs?: number | undefined;
  /** Neither sealed anew nor erased, since they do not open; absent where there were none. */
  unreadableBlobs?: number | undefined;
}

/**
 * Erases the cardholder data of every batch that no workflow of this namespace will erase any more. What
 * may be another namespace's is only counted. Then it seals anew what is not sealed under the current key.
 * It may be run as often as one likes; an attempt that is cut short has done whole blobs, and the next
 * finds the rest.
 */
export function sweepStore({ store }: Pick<ActivityDependencies, 'store'>) {
  return ({ graceMs }: SweepStoreInput): Promise<SweepStoreResult> =>
    whileHeartbeating(async () => {
      const { client, info, cancellationSignal } = Context.current();
      const temporal = lookingClient(client);
      // Temporal's clock, as it also gives the time at which a workflow closed.
      const now = new Date(info.currentAttemptScheduledTimestampMs);
      const result: SweepStoreResult = { ended: 0, unknown: 0, elsewhere: 0, erasedBlobs: 0 };
      for await (const orphan of findOrphans({ temporal, store, graceMs, now })) {
        cancellationSignal.throwIfAborted();
        const { program, externalBatchId, why } = orphan;
        const blobs = await eraseOrphan(store, orphan);
        if (why === 'ELSEWHERE') result.elsewhere += 1;
        if (blobs === 0) continue;
        result[why === 'ENDED' ? 'ended' : 'unknown'] += 1;
        result.erasedBlobs += blobs;
        log.info('erased the cardholder data of an orphaned batch', { program, externalBatchId, why, blobs });
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
