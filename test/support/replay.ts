import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { Worker, type ReplayResult, type WorkflowBundleOption } from '@temporalio/worker';
import { quietRuntime } from './quiet-runtime.js';

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
 * Replays every run that real workers of a task queue worked on, on the built bundle.
 * @returns how many there were.
 * @throws what the replay found wrong with the first that does not replay.
 */
export async function replayAll({ temporal, dataConverter, taskQueue }: Replayed): Promise<number> {
  quietRuntime();
  async function* histories(): AsyncGenerator<{ workflowId: string; history: History }> {
    for await (const { workflowId, runId } of temporal.workflow.list({
      query: `TaskQueue = '${taskQueue}'`,
    }))
      yield { workflowId, history: await temporal.workflow.getHandle(workflowId, runId).fetchHistory() };
  }
  const workflowBundle = { codePath: WORKFLOW_BUNDLE };
  let runs = 0;
  for await (const { error } of Worker.runReplayHistories({ workflowBundle, dataConverter }, histories())) {
    if (error) throw error;
    runs += 1;
  }
  return runs;
}

interface Replayed {
  temporal: Client;
  dataConverter: DataConverter;
  taskQueue: string;
}

/** Replays one history after the other on one worker. */
export class Replayer {
  private next: { history: History | object; workflowId: string } | undefined;
  private readonly results: AsyncIterableIterator<ReplayResult>;

  constructor(workflowBundle: WorkflowBundleOption, dataConverter?: DataConverter) {
    this.results = Worker.runReplayHistories(
      { workflowBundle, ...(dataConverter && { dataConverter }) },
      { [Symbol.asyncIterator]: () => this.asked() },
    );
  }

  /** @throws what the replay found wrong with the history. */
  async replay(history: History | object, workflowId: string): Promise<void> {
    this.next = { history, workflowId };
    const answer: IteratorResult<ReplayResult, undefined> = await this.results.next();
    if (answer.value?.error) throw answer.value.error;
  }

  async close(): Promise<void> {
    await this.results.return?.();
  }

  private asked(): AsyncIterator<{ history: History | object; workflowId: string }> {
    return {
      next: () =>
        Promise.resolve(this.next ? { value: this.next } : { done: true as const, value: undefined }),
    };
  }
}
