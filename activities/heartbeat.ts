import { Context } from '@temporalio/activity';

const HEARTBEAT_INTERVAL_MS = 2_000;

/**
 * Heartbeats while the work runs, so that Temporal notices a dead worker long before the call's time limit, and
 * an attempt that Temporal has given up learns of it.
 * @param progress what a next attempt is to know (`activityInfo().heartbeatDetails`); each heartbeat
 * replaces what the one before it said.
 */
export async function whileHeartbeating<T>(work: () => Promise<T>, progress?: () => unknown): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(progress?.()), HEARTBEAT_INTERVAL_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
