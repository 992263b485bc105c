import { heartbeat } from '@temporalio/activity';

const HEARTBEAT_INTERVAL_MS = 2_000;

/** Heartbeats while the work runs, so that Temporal notices a dead worker long before the call's time limit. */
export async function whileHeartbeating<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => heartbeat(), HEARTBEAT_INTERVAL_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
