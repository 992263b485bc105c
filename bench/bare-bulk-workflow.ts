import {
  condition,
  continueAsNew,
  defineSignal,
  getExternalWorkflowHandle,
  proxyActivities,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { BareActivities } from './bare-activities.js';
import { bareEnrollment, type BareEnrollmentInput } from './bare-workflow.js';

export interface BareBulkInput {
  batches: number;
  /** How many are under way at a time. */
  window: number;
  batchesAPage: number;
  batch: BareEnrollmentInput;
  /** Of the run before: how many it started, and how many of those were under way. */
  started?: number;
  inFlight?: number;
}

const doneSignal = defineSignal('done');

/** When `bulkEnrollment` begins a new run. */
const LONG_HISTORY_EVENTS = 8_000;

/** What `bulkEnrollment` asks of Temporal and nothing else: as many children in the same window, a signal of each. */
export async function bareBulk(input: BareBulkInput): Promise<void> {
  const { batches, window, batchesAPage } = input;
  let { started = 0, inFlight = 0 } = input;
  setHandler(doneSignal, () => void (inFlight -= 1));
  const local = proxyActivities<BareActivities>({ startToCloseTimeout: '20s' });
  const start = (n: number) =>
    startChild(bareBatch, {
      workflowId: `${workflowInfo().workflowId}-${n}`,
      parentClosePolicy: 'ABANDON',
      args: [{ ...input.batch, reportTo: workflowInfo().workflowId }],
    });

  while (started < batches || inFlight > 0) {
    const starts: Promise<unknown>[] = [];
    while (started < batches && inFlight < window) {
      if (started % batchesAPage === 0) starts.push(local.seal());
      [started, inFlight] = [started + 1, inFlight + 1];
      starts.push(start(started));
    }
    await Promise.all(starts);
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    if (continueAsNewSuggested || historyLength >= LONG_HISTORY_EVENTS)
      await continueAsNew<typeof bareBulk>({ ...input, started, inFlight });
    await condition(() => (started < batches ? inFlight < window : inFlight === 0));
  }
  await local.close();
}

export async function bareBatch({
  reportTo,
  ...batch
}: BareEnrollmentInput & { reportTo: string }): Promise<void> {
  await bareEnrollment(batch);
  await getExternalWorkflowHandle(reportTo).signal(doneSignal);
}
