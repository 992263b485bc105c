import { fileURLToPath } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { C2pRecords, C2pStatus } from '../../workflows/search-attributes.js';
import { findOrInstallTestServer } from '../../dev/test-server.js';
import { createTimeSkippingEnv } from '../support/time-skipping.js';
import { bareMachine, fakeProgram } from './machine.js';
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

describe('finding the time-skipping test server', () => {
  it('takes TEMPORAL_TEST_SERVER_PATH first', async () => {
    const { bin, env } = await bareMachine();
    const path = await fakeProgram(bin, 'my-test-server');
    expect(await findOrInstallTestServer({ env: { ...env, TEMPORAL_TEST_SERVER_PATH: path } })).toEqual({
      path,
      source: 'TEMPORAL_TEST_SERVER_PATH',
    });
  });

  it('says, beside every other attempt, that Java is missing', async () => {
    const { env } = await bareMachine();
    const missing = findOrInstallTestServer({ env: { ...env, TEMPORAL_TEST_SERVER_PATH: '/nowhere' } });
    await expect(missing).rejects.toMatchObject({
      code: 'PROGRAM_NOT_FOUND',
      attempts: [
        { reason: '/nowhere is not an executable file' },
        { source: 'cache' },
        { source: "SDK's download" },
        { reason: 'it needs Java, but there is no java on PATH and JAVA_HOME is not set' },
      ],
    });
  });
});
