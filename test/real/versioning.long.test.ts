import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { installRelease } from '../support/release.js';
import type { RealWorker } from '../support/real-worker.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';
import { until } from '../support/until.js';

/** `temporal.api.enums.v1` */
const VersionDrainageStatus = { DRAINED: 2 } as const;
const VersioningBehavior = { PINNED: 1 } as const;
const NON_DETERMINISTIC_ERROR = 24;

const [OLD, NEW] = ['1.0.0', '2.0.0'];
const namespace = 'default';

let environment: RealEnvironment;
let oldRelease: string;
let newRelease: string;
beforeAll(async () => {
  // It looks every three minutes whether a version is drained, and not in the first three.
  environment = await RealEnvironment.start({
    'matching.wv.VersionDrainageStatusVisibilityGracePeriod': '"1s"',
    'matching.wv.VersionDrainageStatusRefreshInterval': '"1s"',
  });
  const incompatible = fileURLToPath(new URL('./workflows/incompatible-release.ts', import.meta.url));
  oldRelease = await installRelease(join(environment.folder, 'old'), OLD);
  newRelease = await installRelease(join(environment.folder, 'new'), NEW, incompatible);
});
afterAll(() => environment.close());

describe.concurrent(
  'an old and a new release, which cannot go on with batches of the old one,',
  { timeout: 150_000 },
  () => {
    test('with versioning: each batch ends on the release that it began on, and the old one is drained then', async () => {
      const site = await environment.site('pinned', { processingMs: 3_600_000 });
      const deployment = await versioned(site);
      const oldWorker = await site.startWorker(undefined, { cli: oldRelease });
      await makeCurrent(deployment, OLD);
      await enroll(site, 'old-batch');
      await inProcessing(site, 'old-batch');

      const newWorker = await site.startWorker(undefined, { cli: newRelease });
      expect(await readFile(newWorker.logFile, 'utf8')).toContain(
        `this version is not current: it gets no new batches, only those that began on it. To give it the new ` +
          `batches: temporal worker deployment set-current-version --namespace default ` +
          `--deployment-name ${deployment} --build-id ${NEW}`,
      );
      await makeCurrent(deployment, NEW);
      await enroll(site, 'new-batch');
      await inProcessing(site, 'new-batch');
      site.simulator.configure({ processingMs: 0 });

      await expectEnrolledBy(site, 'old-batch', oldWorker, { deploymentName: deployment, buildId: OLD });
      await expectEnrolledBy(site, 'new-batch', newWorker, { deploymentName: deployment, buildId: NEW });
      await vi.waitFor(
        async () => expect(await drainageOf(deployment, OLD)).toBe(VersionDrainageStatus.DRAINED),
        {
          timeout: 60_000,
          interval: 500,
        },
      );
      process.kill(oldWorker.pid, 'SIGTERM');
      expect(await oldWorker.ended).toBe('exit code 0');
    });

    test('without versioning: the new one gets the batch and stands still, and the old one still goes on', async () => {
      const site = await environment.site('unversioned', { processingMs: 3_600_000 });
      const oldWorker = await site.startWorker(undefined, { cli: oldRelease });
      await enroll(site, 'unversioned-batch');
      await inProcessing(site, 'unversioned-batch');
      await oldWorker.kill();
      const newWorker = await site.startWorker(undefined, { cli: newRelease });
      const workflow = site.workflow('unversioned-batch');
      await until(async () =>
        (await eventsOf(workflow)).some(
          (event) => Number(event.workflowTaskFailedEventAttributes?.cause) === NON_DETERMINISTIC_ERROR,
        ),
      );
      await newWorker.kill();
      await site.startWorker(undefined, { cli: oldRelease });
      site.simulator.configure({ processingMs: 0 });
      expect(await workflow.result()).toMatchObject({ status: 'COMPLETED' });
    });

    test('versioning switched on: a batch that is open is pinned by the version that becomes current, and can be moved back', async () => {
      const id = 'switched-batch';
      const site = await environment.site('switched', { processingMs: 3_600_000 });
      const unversionedWorker = await site.startWorker(undefined, { cli: oldRelease });
      await enroll(site, id);
      await inProcessing(site, id);
      expect(await versioningOf(site, id)).toBeUndefined();

      const deployment = await versioned(site);
      const versionedWorker = await site.startWorker(undefined, { cli: oldRelease });
      await makeCurrent(deployment, OLD);
      await until(async () => Number((await versioningOf(site, id))?.behavior) === VersioningBehavior.PINNED);

      await makeCurrent(deployment);
      await versionedWorker.stop();
      expect((await site.client.batch(id).progress()).error).toContain(
        `no worker of version '${OLD}' of deployment '${deployment}' answers`,
      );
      const moved = { workflowId: site.workflow(id).workflowId };
      await environment.connection.workflowService.updateWorkflowExecutionOptions({
        namespace,
        workflowExecution: moved,
        workflowExecutionOptions: { versioningOverride: { autoUpgrade: true } },
        updateMask: { paths: ['versioning_override'] },
      });
      site.simulator.configure({ processingMs: 0 });
      expect(await site.workflow(id).result()).toMatchObject({ status: 'COMPLETED' });
      const tasks = (await eventsOf(site.workflow(id))).flatMap(
        (event) => event.workflowTaskCompletedEventAttributes ?? [],
      );
      expect(tasks.at(-1)?.identity).toBe(tasks.at(0)?.identity);
      expect(tasks.at(-1)?.identity).toMatch(new RegExp(`^${unversionedWorker.pid}@`));
    });
  },
);

/** Turns versioning on for the site's workers that start from now on; returns the deployment's name. */
async function versioned({ configPath, folder }: RealSite): Promise<string> {
  const deployment = `c2p-${basename(folder)}`;
  const config = JSON.parse(await readFile(configPath, 'utf8')) as object;
  await writeFile(configPath, JSON.stringify({ ...config, versioning: { deployment } }));
  return deployment;
}

async function enroll(site: RealSite, externalBatchId: string): Promise<void> {
  await site.client.enroll({
    externalBatchId,
    program: PROGRAM,
    records: testRecords(3),
    policy: { polling: { initial: '1s', maximum: '2s' } },
  });
}

/** The batch has been polled, and Mastercard is not done with it. */
async function inProcessing(site: RealSite, externalBatchId: string): Promise<void> {
  await until(async () => {
    const { status, polling } = await site.client.batch(externalBatchId).progress();
    return status === 'PROCESSING' && (polling?.polls ?? 0) > 0;
  });
}

/**
 * What `temporal worker deployment set-current-version` does, once Temporal knows of all task queues of the
 * version that a batch needs: for workflows, for local work, for calls to Mastercard.
 * @param buildId none: the unversioned workers become current
 */
async function makeCurrent(deploymentName: string, buildId?: string): Promise<void> {
  const { workflowService } = environment.connection;
  if (buildId !== undefined) {
    const version = { namespace, deploymentVersion: { deploymentName, buildId } };
    const known = async () =>
      expect((await workflowService.describeWorkerDeploymentVersion(version)).versionTaskQueues).toHaveLength(
        3,
      );
    await vi.waitFor(known, { timeout: 30_000, interval: 100 });
  }
  await workflowService.setWorkerDeploymentCurrentVersion({ namespace, deploymentName, buildId });
}

async function drainageOf(deploymentName: string, buildId: string): Promise<number | null | undefined> {
  const { workerDeploymentInfo } = await environment.connection.workflowService.describeWorkerDeployment({
    namespace,
    deploymentName,
  });
  return workerDeploymentInfo?.versionSummaries?.find((s) => s.deploymentVersion?.buildId === buildId)
    ?.drainageStatus;
}

async function versioningOf(site: RealSite, externalBatchId: string) {
  const { raw } = await site.workflow(externalBatchId).describe();
  return raw.workflowExecutionInfo?.versioningInfo ?? undefined;
}

/** The batch ended well, and no other process than the worker had a task of it. */
async function expectEnrolledBy(
  site: RealSite,
  externalBatchId: string,
  worker: RealWorker,
  version: { deploymentName: string; buildId: string },
): Promise<void> {
  const workflow = site.workflow(externalBatchId);
  expect(await workflow.result()).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 3 } });
  const events = await eventsOf(workflow);
  const completed = events.flatMap((event) => event.workflowTaskCompletedEventAttributes ?? []);
  expect(completed.length).toBeGreaterThan(4);
  for (const task of completed) {
    expect(task).toMatchObject({
      deploymentVersion: version,
      versioningBehavior: VersioningBehavior.PINNED,
    });
  }
  const activities = events.flatMap((event) => event.activityTaskStartedEventAttributes ?? []);
  expect(activities.length).toBeGreaterThan(4);
  const identities = new Set([...completed, ...activities].map((task) => task.identity));
  expect([...identities]).toEqual([expect.stringMatching(new RegExp(`^${worker.pid}@`))]);
}

async function eventsOf(workflow: WorkflowHandle) {
  return (await workflow.fetchHistory()).events ?? [];
}
