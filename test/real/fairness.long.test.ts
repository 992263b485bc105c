import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answering, createGatewayActivities, createLocalActivities } from '../../activities/index.js';
import { loadConfig } from '../../config/load.js';
import { fairShare } from '../../enrollment/fairness.js';
import { gatewayTaskQueue, workflowIdOf } from '../../enrollment/identifiers.js';
import { workerDataConverter } from '../../protection/data-converter.js';
import { createDependencies } from '../../worker/dependencies.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';
import { testRecords } from '../support/records.js';

if (!Runtime._instance) Runtime.install({ logger: new DefaultLogger('ERROR') });

const OTHER = 'other';
const BACKLOG = 30;
const FEW = 3;
/** Turns are taken within each partition of a task queue; a server has four by default, and a poll goes to any. */
const ONE_PARTITION = {
  'matching.numTaskqueueReadPartitions': '1',
  'matching.numTaskqueueWritePartitions': '1',
};
const bundle = fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url));

/** The backlog of one program, and then a few batches of another. */
async function startBatches(site: RealSite, waiting: number) {
  const start = async (program: string, count: number) => {
    const batches = Array.from({ length: count }, (_, n) => `${program}-${n + 1}`).map((externalBatchId) =>
      site.client.enroll({
        externalBatchId,
        program,
        records: testRecords(1),
        policy: { polling: { initial: '100ms' } },
      }),
    );
    return Promise.all(batches);
  };
  const backlog = await start(PROGRAM, waiting);
  return [...backlog, ...(await start(OTHER, FEW))];
}

/** Runs workers with one slot for local activities until all batches are closed. */
async function workThrough(site: RealSite, backlog: number): Promise<void> {
  const batches = await startBatches(site, backlog);
  const config = await loadConfig(site.configPath);
  const dependencies = await createDependencies(config);
  const connection = await NativeConnection.connect({ address: site.environment.address });
  const common = { connection, dataConverter: workerDataConverter(dependencies.keyRing) };
  try {
    const calls = await Promise.all(
      [PROGRAM, OTHER].map((program) =>
        Worker.create({
          ...common,
          taskQueue: gatewayTaskQueue(config.taskQueue, program),
          activities: answering(createGatewayActivities(dependencies)),
        }),
      ),
    );
    const workflows = await Worker.create({
      ...common,
      taskQueue: config.taskQueue,
      workflowBundle: { codePath: bundle },
      activities: answering(createLocalActivities(dependencies)),
      maxConcurrentActivityTaskExecutions: 1,
    });
    const done = Promise.all(batches.map((batch) => batch.result()));
    const results = calls.reduce((work, worker) => worker.runUntil(work), workflows.runUntil(done));
    for (const { status } of await results) expect(status).toBe('COMPLETED');
  } finally {
    await connection.close();
    await dependencies.close();
  }
}

describe('on a server with fairness, as c2p starts one', () => {
  let environment: RealEnvironment;
  beforeAll(async () => {
    environment = await RealEnvironment.start(ONE_PARTITION);
  });
  afterAll(() => environment.close());

  test('a few batches do not wait behind the backlog of another program', async () => {
    const site = await environment.site('fair', { otherPrograms: [OTHER], requestsPerSecond: 1_000 });
    await workThrough(site, BACKLOG);
    const order = site.simulator.accepted().map(({ externalBatchId }) => externalBatchId.split('-')[0]);
    expect(order).toHaveLength(BACKLOG + FEW);
    const before = order.slice(0, order.lastIndexOf(OTHER)).filter((program) => program === PROGRAM);
    console.log(`before the last of the few, ${before.length} of the backlog of ${BACKLOG} were submitted`);
    expect(before.length).toBeLessThan(BACKLOG / 2);

    const id = workflowIdOf({ program: OTHER, externalBatchId: `${OTHER}-1` });
    const { priority } = await site.temporal.workflow.getHandle(id).describe();
    expect(priority).toMatchObject(fairShare(OTHER, 'batch'));
  });
});

describe('on a server without fairness', () => {
  let environment: RealEnvironment;
  beforeAll(async () => {
    environment = await RealEnvironment.start({ 'matching.enableFairness': 'false' });
  });
  afterAll(() => environment.close());

  test('batches are enrolled as they are elsewhere', async () => {
    const site = await environment.site('plain', { otherPrograms: [OTHER], requestsPerSecond: 1_000 });
    await workThrough(site, FEW);
    expect(site.simulator.accepted()).toHaveLength(FEW + FEW);
  });
});
