import type { Client, WorkflowExecutionStatusName } from '@temporalio/client';
import { expect, test } from 'vitest';
import { EnrollmentBatch } from '../../client/enrollment-batch.js';
import type { BatchStore } from '../../store/store.js';

/** A batch whose workflow answers no query and is, as Temporal says, in this status. */
function silentBatch(
  name: WorkflowExecutionStatusName,
  raw: object = {},
  store: Partial<BatchStore> = { has: () => Promise.resolve(false) },
): EnrollmentBatch {
  const description = {
    status: { name },
    taskQueue: 'c2p',
    typedSearchAttributes: { get: () => undefined },
    startTime: new Date(),
    raw,
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
  return new EnrollmentBatch(
    { program: 'demo', externalBatchId: 'b-1' },
    { temporal, store: store as BatchStore, looking: temporal },
  );
}

test.each<[WorkflowExecutionStatusName, RegExp]>([
  ['RUNNING', /^no worker answers on task queue 'c2p'; start one with: c2p worker\. Shown is/],
  ['UNKNOWN', /^no worker answers/],
  ['PAUSED', /^the workflow is paused in Temporal; resume it there\. Shown is/],
  ['TERMINATED', /^the workflow was terminated directly in Temporal \(TERMINATED\)$/],
  ['TIMED_OUT', /^the workflow timed out in Temporal \(TIMED_OUT\)$/],
])('the progress of a batch whose workflow does not answer and is %s says why', async (status, error) => {
  expect((await silentBatch(status).progress()).error).toMatch(error);
});

test('the progress of a batch that is pinned to a worker version names that version', async () => {
  const deploymentVersion = { buildId: '0.4.0', deploymentName: 'c2p' };
  const pinned = silentBatch('RUNNING', { workflowExecutionInfo: { versioningInfo: { deploymentVersion } } });
  expect((await pinned.progress()).error).toBe(
    "no worker of version '0.4.0' of deployment 'c2p' answers on task queue 'c2p'; " +
      'start one of that version with: c2p worker. Shown is the last known state',
  );
});

test('the progress of a batch that closes while its workflow is asked is what the store then says', async () => {
  const looks = [false, true];
  const result = {
    program: 'demo',
    externalBatchId: 'b-1',
    status: 'FAILED',
    failure: 'BatchFailed',
    reasons: ['why'],
  };
  const store = {
    has: () => Promise.resolve(looks.shift()!),
    get: () => Promise.resolve(Buffer.from(JSON.stringify({ result }))),
  };
  expect(await silentBatch('FAILED', {}, store).progress()).toMatchObject({
    status: 'FAILED',
    error: 'BatchFailed: why',
  });
});
