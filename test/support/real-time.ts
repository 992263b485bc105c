import { randomUUID } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { ensureSearchAttributes } from '../../worker/search-attributes.js';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.js';
import { sharedTemporal } from './shared-temporal.js';

type TestClientOptions = NonNullable<
  Parameters<typeof TestWorkflowEnvironment.createFromExistingServer>[0]
>['client'];

/**
 * A namespace of its own on the real server that test files share, for what the time-skipping one cannot do: that lets
 * no workflow continue as new that was cancelled, and forgets queries and updates that meet a hand-over.
 */
export async function createRealTimeEnv(client: TestClientOptions = {}): Promise<TestWorkflowEnvironment> {
  const address = await sharedTemporal();
  const namespace = `rig-${randomUUID()}`;
  const connection = await Connection.connect({ address });
  const workflowExecutionRetentionPeriod = msToTs('1 day');
  await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod });
  await ensureSearchAttributes(connection, namespace, SEARCH_ATTRIBUTES);
  await connection.close();
  return TestWorkflowEnvironment.createFromExistingServer({ address, namespace, client });
}
