import { fileURLToPath } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { C2pRecords, C2pStatus } from '../../workflows/search-attributes.js';
import { createTimeSkippingEnv } from '../support/time-skipping.js';
import { sleepAMonth } from './workflows/sleep-a-month.js';

describe('the time-skipping environment', () => {
  let env: TestWorkflowEnvironment;
  beforeAll(async () => {
    env = await createTimeSkippingEnv();
  }, 300_000);
  afterAll(() => env?.teardown());

  it("lets thirty days pass while the test waits seconds, with c2p's search attributes registered", async () => {
    const worker = await Worker.create({
      connection: env.nativeConnection,
      taskQueue: 'month',
      workflowsPath: fileURLToPath(new URL('./workflows/sleep-a-month.ts', import.meta.url)),
    });
    const handle = await worker.runUntil(async () => {
      const started = await env.client.workflow.start(sleepAMonth, {
        taskQueue: 'month',
        workflowId: 'month',
      });
      expect(await started.result()).toBeGreaterThanOrEqual(30 * 24 * 3600 * 1000);
      return started;
    });
    const { typedSearchAttributes } = await handle.describe();
    expect(typedSearchAttributes.get(C2pStatus)).toBe('PROCESSING');
    expect(typedSearchAttributes.get(C2pRecords)).toBe(250);
  });
});
