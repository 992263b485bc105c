import { Context, log } from '@temporalio/activity';
import { eraseOrphan, findOrphans } from '../retention/orphans.js';
import { lookingClient } from '../retention/looking-client.js';
import { whileHeartbeating } from './heartbeat.js';
import type { ActivityDependencies } from './index.js';

export interface SweepStoreInput {
  /** How long a batch must not have been written to, and its workflow have been closed (ms). */
  graceMs: number;
}

/** Numbers of batches whose data was erased (`ended`, `unknown`) or left (`elsewhere`), and of erased blobs. */
export interface SweepStoreResult {
  ended: number;
  unknown: number;
  elsewhere: number;
  erasedBlobs: number;
}

/**
 * Erases the cardholder data of every batch that no workflow of this namespace will erase any more. What
 * may be another namespace's is only counted. It may be run as often as one likes; an attempt that is cut
 * short has erased whole blobs, and the next finds the rest.
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
      return result;
    });
}
