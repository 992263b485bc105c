import { activityInfo, getClient } from '@temporalio/activity';

/**
 * Asks Temporal to cancel the run of the workflow that this is called from: a workflow cannot ask that
 * for itself. Repeating it changes nothing.
 */
export async function cancelThisRun(_: object): Promise<void> {
  const { workflowId, runId } = activityInfo().workflowExecution!;
  await getClient().workflow.getHandle(workflowId, runId).cancel();
}
