import { findings, type Finding } from './finding.js';
import { codeOf, Grpc, reasonOf } from './grpc.js';
import type { TemporalPlace } from './temporal.js';

/** Whether the namespace is there, and how long it remembers closed workflows. */
export async function checkNamespace({ connection, namespace }: TemporalPlace): Promise<Finding> {
  const { ok, failed } = findings('namespace');
  try {
    const { config } = await connection.workflowService.describeNamespace({ namespace });
    const days = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / 86_400;
    const shown = Number.isInteger(days) ? days : days.toFixed(1);
    return ok(`'${namespace}' keeps closed workflows for ${shown} day${days === 1 ? '' : 's'}`);
  } catch (error) {
    if (codeOf(error) === Grpc.notFound) {
      const create = `temporal operator namespace create --namespace ${namespace} --retention 30d`;
      return failed(`there is no namespace '${namespace}'`, `correct TEMPORAL_NAMESPACE, or run: ${create}`);
    }
    const todo = 'may this API key or client certificate use the namespace?';
    return failed(`'${namespace}' cannot be described: ${reasonOf(error)}`, todo);
  }
}
