import { setTimeout as delay } from 'node:timers/promises';
import { activityInfo } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils.js';

type HistoryEvent = NonNullable<History['events']>[number];

/** Far more than a step takes on a busy machine. */
export const HANGS_AFTER_MS = 30_000;

/** Names the present activity: a new run numbers its activities anew. */
export function activityKey(): string {
  const { activityId, workflowExecution } = activityInfo();
  return `${workflowExecution?.runId}/${activityId}`;
}

/** When a workflow does nothing more, unless time passes or somebody acts. */
export class Rest {
  /** The run, and how long its history was, with which the workflow was last seen to have nothing to do. */
  reachedAt: string | undefined;
  private readonly underWay = new Set<string>();
  private readonly over = new Map<string, number>();

  constructor(private readonly workflow: WorkflowHandle) {}

  /** @param activity its `activityKey`. */
  attemptBegins(activity: string, attempt: number): void {
    this.underWay.add(`${activity}/${attempt}`);
  }

  attemptIsOver(activity: string, attempt: number): void {
    this.underWay.delete(`${activity}/${attempt}`);
    this.over.set(activity, attempt);
  }

  /**
   * Waits until the workflow rests.
   * @returns the types of the activities that wait for their next attempt.
   */
  async reached(): Promise<string[]> {
    const giveUpAt = Date.now() + HANGS_AFTER_MS;
    for (;;) {
      const resting = await this.restingActivities();
      if (Array.isArray(resting)) return resting;
      if (Date.now() > giveUpAt) throw new Error(`the batch hangs: ${resting} is not done`);
      await delay(3);
    }
  }

  /** @returns what is under way, if something is. */
  private async restingActivities(): Promise<string[] | string> {
    const { raw, historyLength, runId } = await this.workflow.describe();
    const pending = raw.pendingActivities ?? [];
    const busy = pending.find(
      ({ activityId, attempt }) => !this.isResting(`${runId}/${activityId}`, attempt ?? 1),
    );
    if (busy) return busy.activityType?.name ?? 'an activity';
    if (this.reachedAt === `${runId}/${historyLength}`)
      return pending.map((it) => it.activityType?.name ?? '');
    const { events } = await this.workflow.fetchHistory();
    if (!hasNothingToDo(events ?? [])) return 'a workflow task';
    this.reachedAt = `${runId}/${events?.length}`;
    // Once more: an activity may have been scheduled since there was none.
    return this.restingActivities();
  }

  /** Whether the activity waits for its next attempt, which has this number. */
  private isResting(activity: string, next: number): boolean {
    return this.underWay.size === 0 && this.over.get(activity) === next - 1;
  }
}

/** Whether the workflow has dealt with everything in its history. */
function hasNothingToDo(events: readonly HistoryEvent[]): boolean {
  const scheduled = events.findLastIndex((event) => event.workflowTaskScheduledEventAttributes);
  const completed = events.findLastIndex((event) => event.workflowTaskCompletedEventAttributes);
  return completed > scheduled;
}
