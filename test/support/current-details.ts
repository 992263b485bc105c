import type { WorkflowHandle } from '@temporalio/client';

/** What the Web UI shows of a workflow; it answers also for a closed one, as long as a worker is there. */
export async function currentDetailsOf(handle: Pick<WorkflowHandle, 'query'>): Promise<string> {
  const metadata = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
}
