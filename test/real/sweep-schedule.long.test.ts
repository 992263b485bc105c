import { readFile, writeFile } from 'node:fs/promises';
import { Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { answering, createLocalActivities } from '../../activities/index.js';
import { EnrollmentClient } from '../../client/enrollment-client.js';
import { loadConfig } from '../../config/load.js';
import { Blob } from '../../enrollment/blobs.js';
import { protectedDataConverter, workerDataConverter } from '../../protection/data-converter.js';
import { openKeyRing } from '../../protection/live-key-ring.js';
import { TRIGGERS } from '../../simulator/index.js';
import { createDependencies } from '../../worker/dependencies.js';
import { ensureSearchAttributes } from '../../worker/search-attributes.js';
import { sweepScheduleId } from '../../worker/sweep-schedule.js';
import { workflowSource } from '../../worker/workflow-bundle.js';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.js';
import { currentDetailsOf } from '../support/current-details.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';
import type { RealWorker } from '../support/real-worker.js';
import { testRecords } from '../support/records.js';

const HOUR = 3_600_000;

let environment: RealEnvironment;
let connection: NativeConnection;
beforeAll(async () => {
  environment = await RealEnvironment.start();
  connection = await NativeConnection.connect({ address: environment.address });
});
afterAll(async () => {
  await connection.close();
  await environment.close();
});

async function configure(site: RealSite, sweep: unknown): Promise<void> {
  const config = JSON.parse(await readFile(site.configPath, 'utf8')) as object;
  await writeFile(site.configPath, JSON.stringify({ ...config, sweep }));
}

function scheduleOf(site: RealSite, name: string) {
  return site.temporal.schedule.getHandle(sweepScheduleId(`c2p-${name}`));
}

describe('a worker that starts', () => {
  test('sets the sweep up, once also with a second worker; makes it what the configuration says; removes it when it is switched off', async () => {
    const name = 'schedule';
    const site = await environment.site(name);
    const schedule = scheduleOf(site, name);
    await Promise.all([site.startWorker(), site.startWorker()]);
    expect(await schedule.describe()).toMatchObject({
      spec: { intervals: [{ every: HOUR }] },
      action: { workflowType: 'sweepStore', taskQueue: `c2p-${name}` },
      policies: { overlap: 'SKIP' },
    });
    const ids: string[] = [];
    await vi.waitFor(async () => {
      ids.length = 0;
      for await (const { scheduleId } of site.temporal.schedule.list()) ids.push(scheduleId);
      expect(ids.filter((id) => id === schedule.scheduleId)).toHaveLength(1);
    });

    await configure(site, { every: '10m', grace: '2h' });
    await site.startWorker();
    const changed = await schedule.describe();
    expect(changed).toMatchObject({ spec: { intervals: [{ every: HOUR / 6 }] } });
    expect(changed.action.args ?? []).toEqual([]);

    await configure(site, false);
    await site.startWorker();
    await expect(schedule.describe()).rejects.toThrow('not found');
  });
});

describe('the schedule, when it is due', () => {
  const name = 'due';
  const [terminated, open, ofAnother] = ['terminated', 'open', 'of-another'].map(
    (id) => `${TRIGGERS.batches.NEVER_TERMINAL.externalBatchIdContains}-${id}`,
  ) as [string, string, string];
  let site: RealSite;
  let patient: RealWorker;
  beforeAll(async () => {
    site = await environment.site(name);
    patient = await site.startWorker();
    // Then it does only what this test asks for, whatever the hour.
    await scheduleOf(site, name).pause();
    const elsewhere = await clientOf('another-bank');
    // A new namespace is not known everywhere at once.
    await vi.waitFor(() => enroll(elsewhere, ofAnother), { timeout: 60_000, interval: 500 });
    for (const id of [terminated, open]) await enroll(site.client, id);
    for (const id of [terminated, open]) {
      const batch = site.client.batch(id);
      await vi.waitUntil(async () => (await batch.progress()).status === 'PROCESSING', { timeout: 30_000 });
    }
    await site.workflow(terminated).terminate('by a test');
  });

  /** A client of a namespace of its own that shares the site's store. */
  async function clientOf(namespace: string): Promise<EnrollmentClient> {
    const { connection, temporal } = { connection: environment.connection, temporal: site.temporal };
    await temporal.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
    });
    await vi.waitFor(() => ensureSearchAttributes(connection, namespace, SEARCH_ATTRIBUTES), {
      timeout: 60_000,
      interval: 500,
    });
    const config = await loadConfig(site.configPath);
    const keyRing = await openKeyRing(config.dataKeys);
    const elsewhere = new Client({ connection, namespace, dataConverter: protectedDataConverter(keyRing) });
    return EnrollmentClient.using({ config, temporal: elsewhere, store: site.store, keyRing });
  }

  function enroll(client: EnrollmentClient, externalBatchId: string) {
    return client.enroll({ externalBatchId, program: PROGRAM, records: testRecords(1) });
  }

  /** Has the schedule do now what it does every hour. */
  async function trigger(): Promise<{ result: unknown; details: string }> {
    const before = (await scheduleOf(site, name).describe()).info.numActionsTaken;
    await scheduleOf(site, name).trigger();
    return vi.waitFor(
      async () => {
        const { info } = await scheduleOf(site, name).describe();
        expect(info.numActionsTaken).toBe(before + 1);
        const { workflowId } = info.recentActions.at(-1)!.action.workflow;
        const handle = site.temporal.workflow.getHandle(workflowId);
        const result: unknown = await handle.result();
        return { result, details: await currentDetailsOf(handle) };
      },
      { timeout: 30_000, interval: 200 },
    );
  }

  /** Runs a worker whose grace time is shorter than a configuration may have it, so that the test need not wait. */
  async function byImpatientWorker<T>(work: () => Promise<T>): Promise<T> {
    const config = await loadConfig(site.configPath);
    const dependencies = await createDependencies(config);
    const worker = await Worker.create({
      connection,
      taskQueue: config.taskQueue,
      dataConverter: workerDataConverter(dependencies.keyRing),
      ...(await workflowSource()),
      activities: answering(createLocalActivities({ ...dependencies, graceMs: 0 })),
    });
    try {
      return await worker.runUntil(work);
    } finally {
      await dependencies.close();
    }
  }

  test('erases nothing within the grace time, and after it the data of a terminated batch, of no open one and of no other namespace', async () => {
    const [before, openBefore, elsewhereBefore] = await Promise.all(
      [terminated, open, ofAnother].map((id) => site.blobs(id)),
    );
    expect(await trigger()).toMatchObject({
      result: { ended: 0, unknown: 0, elsewhere: 0, erasedBlobs: 0 },
      details: expect.stringContaining('in the 24 h before') as string,
    });
    expect(await site.blobs(terminated)).toEqual(before);

    process.kill(patient.pid, 'SIGTERM');
    await patient.ended;
    const { result, details } = await byImpatientWorker(trigger);
    expect(result).toMatchObject({ ended: 1, unknown: 0, elsewhere: 1, erasedBlobs: before!.length - 2 });
    expect(details).toContain('| 1 | 0 | 1 |');
    expect(await site.blobs(terminated)).toEqual([Blob.closed, Blob.offered(1), Blob.outcomes]);
    expect(await site.blobs(open)).toEqual(openBefore);
    expect(await site.blobs(ofAnother)).toEqual(elsewhereBefore);
    expect(elsewhereBefore).toHaveLength(1);
    await site.startWorker();
    expect(await site.client.batch(open).progress()).toMatchObject({ status: 'PROCESSING' });
  });
});
