import { Context, type Info } from '@temporalio/activity';

const HEARTBEAT_INTERVAL_MS = 2_000;

/**
 * Heartbeats while the work runs, so that Temporal notices a dead worker long before the call's time limit, and
 * an attempt that Temporal has given up learns of it.
 * @param progress what a next attempt is to know (`progressBefore`); each heartbeat replaces what the one before it said.
 */
export async function whileHeartbeating<T>(work: () => Promise<T>, progress?: () => unknown): Promise<T> {
  const context = Context.current();
  const beat = (): Heartbeat => ({ of: activityOf(context.info), progress: progress?.() });
  const timer = setInterval(() => context.heartbeat(beat()), HEARTBEAT_INTERVAL_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/**
 * What an attempt before this one heartbeated last; nothing where somebody else did: who can write to Temporal may
 * heartbeat in the place of a worker, also with what another activity of the workflow heartbeated.
 */
export function progressBefore<Progress>(): Progress | undefined {
  const { info } = Context.current();
  const beat = info.heartbeatDetails as Partial<Heartbeat> | null | undefined;
  return beat?.of === activityOf(info) ? (beat.progress as Progress) : undefined;
}

interface Heartbeat {
  of: string;
  progress: unknown;
}

/** Names an activity, all its attempts and no other. */
function activityOf({ workflowExecution, activityId }: Info): string {
  return `${workflowExecution?.runId}/${activityId}`;
}
