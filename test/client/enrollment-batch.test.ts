import type { Client, WorkflowExecutionStatusName } from '@temporalio/client';
import { expect, test } from 'vitest';
import { EnrollmentBatch } from '../../client/enrollment-batch.js';
import type { BatchStore } from '../../store/store.js';

/** A batch whose workflow answers no query and is, as Temporal says, in this status. */
function silentBatch(name: WorkflowExecutionStatusName): EnrollmentBatch {
  const description = {
    status: { name },
    taskQueue: 'c2p',
    typedSearchAttributes: { get: () => undefined },
    startTime: new Date(),
    raw: {},
  };
  const temporal = {
    withDeadline: (_: number, ask: () => unknown) => ask(),
    workflow: {
      getHandle: (workflowId: string) => ({
        workflowId,
        query: () => Promise.reject(new Error('no answer')),
        describe: () => Promise.resolve(description),
      }),
    },
  } as unknown as Client;
  const store = { has: () => Promise.resolve(false) } as unknown as BatchStore;
  return new EnrollmentBatch(
    { program: 'demo', externalBatchId: 'b-1' },
    { temporal, store, looking: temporal },
  );
}

test.each<[WorkflowExecutionStatusName, RegExp]>([
  ['RUNNING', /^no worker answers on task queue 'c2p', is one running\?/],
  ['UNKNOWN', /^no worker answers/],
  ['PAUSED', /^the workflow is paused in Temporal, where it can be resumed/],
  ['TERMINATED', /^the workflow was ended from outside \(TERMINATED\)$/],
  ['TIMED_OUT', /^the workflow was ended from outside \(TIMED_OUT\)$/],
])('the progress of a batch whose workflow does not answer and is %s says why', async (status, error) => {
  expect((await silentBatch(status).progress()).error).toMatch(error);
});
