import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';

/** As `npm run build` leaves it: what real workers run. */
const WORKFLOW_BUNDLE = fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url));

/** The history of every run of a workflow, the last first. */
export async function historiesOf(temporal: Client, workflowId: string): Promise<History[]> {
  const histories: History[] = [];
  let runId: string | undefined;
  do {
    const history = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    histories.push(history);
    runId =
      history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId || undefined;
  } while (runId);
  return histories;
}

/**
 * Replays every run of workflows that real workers ran, on the built bundle.
 * @returns how many runs each had.
 * @throws what the replay found wrong with the first that does not replay.
 */
export async function replayAll(
  temporal: Client,
  dataConverter: DataConverter,
  workflowIds: readonly string[],
): Promise<Map<string, number>> {
  const runs = new Map<string, number>();
  async function* histories(): AsyncGenerator<{ workflowId: string; history: History }> {
    for (const workflowId of workflowIds) {
      const all = await historiesOf(temporal, workflowId);
      runs.set(workflowId, all.length);
      for (const history of all) yield { workflowId, history };
    }
  }
  const workflowBundle = { codePath: WORKFLOW_BUNDLE };
  const results = Worker.runReplayHistories({ workflowBundle, dataConverter }, histories());
  for await (const { error } of results) if (error) throw error;
  return runs;
}
