import type { Haystack } from './leak-search.js';

interface Listed {
  executions?: { execution: { workflowId: string; runId: string }; taskQueue?: string }[];
  schedules?: { scheduleId: string }[];
  nextPageToken?: string;
}

/**
 * Every answer that the Web UI's API gives about a namespace, workflow by workflow and run by run.
 * @param served the task queues on which workers answer queries.
 */
export async function webUiAnswers(
  uiUrl: string,
  namespace: string,
  served: readonly string[],
): Promise<Haystack[]> {
  const answers: Haystack[] = [];
  const csrf = csrfTokenOf(await fetch(uiUrl));
  /** @returns the answer; a failure is one too. */
  const ask = async (path: string, body?: object): Promise<Listed> => {
    const response = await fetch(`${uiUrl}/api/v1/${path}`, {
      ...(body && {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', cookie: `_csrf=${csrf}`, 'x-csrf-token': csrf },
      }),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    answers.push({ name: `${response.status} ${path}`, bytes });
    return response.ok ? (JSON.parse(bytes.toString('utf8')) as Listed) : {};
  };
  const askAllPages = async (path: string): Promise<Listed[]> => {
    const pages = [await ask(path)];
    for (let token = pages[0]!.nextPageToken; token; token = pages.at(-1)!.nextPageToken) {
      const separator = path.includes('?') ? '&' : '?';
      pages.push(await ask(`${path}${separator}nextPageToken=${encodeURIComponent(token)}`));
    }
    return pages;
  };

  const place = `namespaces/${namespace}`;
  for (const path of ['settings', 'cluster-info', 'system-info', 'namespaces', place]) await ask(path);
  for (const path of ['search-attributes', 'workflow-count', 'batch-operations', 'worker-deployments'])
    await ask(`${place}/${path}`);
  for (const { scheduleId } of (await askAllPages(`${place}/schedules`)).flatMap(
    (page) => page.schedules ?? [],
  ))
    await ask(`${place}/schedules/${encodeURIComponent(scheduleId)}`);
  const executions = (await askAllPages(`${place}/workflows`)).flatMap((page) => page.executions ?? []);
  for (const taskQueue of new Set(executions.map((one) => one.taskQueue ?? '')))
    if (taskQueue) await ask(`${place}/task-queues/${encodeURIComponent(taskQueue)}`);
  for (const { execution, taskQueue = '' } of executions) {
    const workflow = `${place}/workflows/${encodeURIComponent(execution.workflowId)}`;
    const run = `execution.runId=${execution.runId}`;
    await ask(`${workflow}?${run}`);
    await askAllPages(`${workflow}/history?${run}`);
    await askAllPages(`${workflow}/history-reverse?${run}`);
    if (!served.includes(taskQueue)) continue;
    for (const query of ['progress', '__temporal_workflow_metadata'])
      await ask(`${workflow}/query/${query}`, { execution, query: { queryType: query } });
  }
  return answers;
}

function csrfTokenOf(response: Response): string {
  return /_csrf=([^;]+)/.exec(response.headers.get('set-cookie') ?? '')?.[1] ?? '';
}
