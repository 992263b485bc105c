import { setTimeout as delay } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils.js';

type HistoryEvent = NonNullable<History['events']>[number];

/** Far more than a step takes on a busy machine. */
export const HANGS_AFTER_MS = 30_000;

/** When a workflow does nothing more, unless time passes or somebody acts. */
export class Rest {
  /** Of the history with which the workflow was last seen to have nothing to do. */
  historyLength: number | undefined;
  private readonly underWay = new Set<string>();
  private readonly over = new Map<string, number>();

  constructor(private readonly workflow: WorkflowHandle) {}

  attemptBegins(activityId: string, attempt: number): void {
    this.underWay.add(`${activityId}/${attempt}`);
  }

  attemptIsOver(activityId: string, attempt: number): void {
    this.underWay.delete(`${activityId}/${attempt}`);
    this.over.set(activityId, attempt);
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
    const { raw, historyLength } = await this.workflow.describe();
    const pending = raw.pendingActivities ?? [];
    const busy = pending.find(({ activityId, attempt }) => !this.isResting(activityId ?? '', attempt ?? 1));
    if (busy) return busy.activityType?.name ?? 'an activity';
    if (historyLength === this.historyLength) return pending.map((it) => it.activityType?.name ?? '');
    const { events } = await this.workflow.fetchHistory();
    if (!hasNothingToDo(events ?? [])) return 'a workflow task';
    this.historyLength = events?.length;
    // Once more: an activity may have been scheduled since there was none.
    return this.restingActivities();
  }

  /** Whether the activity waits for its next attempt, which has this number. */
  private isResting(activityId: string, next: number): boolean {
    return this.underWay.size === 0 && this.over.get(activityId) === next - 1;
  }
}

/** Whether the workflow has dealt with everything in its history. */
function hasNothingToDo(events: readonly HistoryEvent[]): boolean {
  const scheduled = events.findLastIndex((event) => event.workflowTaskScheduledEventAttributes);
  const completed = events.findLastIndex((event) => event.workflowTaskCompletedEventAttributes);
  return completed > scheduled;
}
