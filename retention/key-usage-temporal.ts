import type { Client } from '@temporalio/client';
import { KEY_ID_METADATA } from '../protection/payload-codec.js';
import { payloadsOf } from '../protection/payloads-of.js';

/**
 * The ids of the namespace's open workflows that have a payload under the key: anywhere in their history
 * (each worker that takes one up reads it from the beginning), in their memo, or in what an activity
 * reported with its last heartbeat.
 *
 * All open workflows are looked at, whatever their type: one too many is seen, one too few never read again.
 *
 * @throws ServiceError when Temporal does not answer.
 */
export async function* workflowsUnderKey(temporal: Client, keyId: string): AsyncGenerator<string> {
  const { namespace } = temporal.options;
  for await (const execution of openWorkflows(temporal)) {
    const { workflowService } = temporal;
    const description = await workflowService
      .describeWorkflowExecution({ namespace, execution })
      .catch(unlessGone);
    if (!description) continue;
    if (namesKey(description, keyId) || (await historyNamesKey(temporal, execution, keyId)))
      yield execution.workflowId;
  }
}

/**
 * The ids of the namespace's schedules whose workflow would be started with a payload under the key.
 * @throws ServiceError when Temporal does not answer.
 */
export async function* schedulesUnderKey(temporal: Client, keyId: string): AsyncGenerator<string> {
  const { namespace } = temporal.options;
  const { workflowService } = temporal;
  for await (const { scheduleId } of temporal.schedule.list()) {
    const description = await workflowService.describeSchedule({ namespace, scheduleId }).catch(unlessGone);
    if (namesKey(description?.schedule, keyId)) yield scheduleId;
  }
}

/**
 * Has the schedules that are under the key written again, under the current one.
 * @throws ServiceError when Temporal does not answer.
 */
export async function saveSchedulesAnew(temporal: Client, keyId: string): Promise<void> {
  for await (const scheduleId of schedulesUnderKey(temporal, keyId))
    await temporal.schedule.getHandle(scheduleId).update((schedule) => schedule);
}

interface Execution {
  workflowId: string;
  runId: string;
}

/** Asked for as they are: the client would decrypt each memo. */
async function* openWorkflows(temporal: Client): AsyncGenerator<Execution> {
  const { namespace } = temporal.options;
  let nextPageToken: Uint8Array | undefined;
  do {
    const page = await temporal.workflowService.listWorkflowExecutions({
      namespace,
      query: 'CloseTime IS NULL',
      pageSize: 1_000,
      nextPageToken,
    });
    for (const { execution } of page.executions ?? []) yield execution as Execution;
    nextPageToken = page.nextPageToken;
  } while (nextPageToken && nextPageToken.length > 0);
}

async function historyNamesKey(temporal: Client, execution: Execution, keyId: string): Promise<boolean> {
  const { namespace } = temporal.options;
  let nextPageToken: Uint8Array | undefined;
  do {
    const page = await temporal.workflowService
      .getWorkflowExecutionHistory({ namespace, execution, nextPageToken })
      .catch(unlessGone);
    if (namesKey(page?.history, keyId)) return true;
    nextPageToken = page?.nextPageToken;
  } while (nextPageToken && nextPageToken.length > 0);
  return false;
}

/** Whether a payload that names the key, whatever its encoding, is anywhere in a message of Temporal's API. */
export function namesKey(message: unknown, keyId: string): boolean {
  return payloadsOf(message).some(({ metadata }) => {
    const named = metadata?.[KEY_ID_METADATA];
    return named ? Buffer.from(named).toString('latin1') === keyId : false;
  });
}

const GRPC_NOT_FOUND = 5;

/** A workflow that has been deleted since it was listed needs no key. */
function unlessGone(error: unknown): undefined {
  if ((error as { code?: unknown }).code !== GRPC_NOT_FOUND) throw error;
}
