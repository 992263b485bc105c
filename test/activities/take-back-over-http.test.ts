import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createGatewayActivities, createLocalActivities } from '../../activities/index.js';
import { loadConfig } from '../../config/load.js';
import { prepareSandboxKeys, writeSandboxConfig } from '../../dev/sandbox.js';
import { Blob } from '../../enrollment/blobs.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { createSimulator, type Simulator } from '../../simulator/index.js';
import { getJson, putJson } from '../../store/store.js';
import { createDependencies, type WorkerDependencies } from '../../worker/dependencies.js';
import { testCard, testRecord } from '../support/records.js';
import { activityEnvironment } from './removal-rig.js';

let folder: string;
let simulator: Simulator;
let dependencies: WorkerDependencies;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-test-'));
  const keys = await prepareSandboxKeys(folder);
  simulator = await createSimulator({ credentials: [keys.credentials], processingMs: 0 });
  const { configPath } = await writeSandboxConfig(keys, { baseUrl: simulator.baseUrl });
  dependencies = await createDependencies(await loadConfig(configPath));
});
afterAll(async () => {
  await dependencies.close();
  await simulator.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs the activities of a batch up to its terminal status, and gives a function that removes its cards. */
async function enroll(externalBatchId: string, records: EnrollmentRecord[]) {
  const batch = { program: 'demo', externalBatchId };
  const environment = activityEnvironment();
  const run = <T>(activity: () => Promise<T>): Promise<T> => environment.run(activity);
  const local = createLocalActivities(dependencies);
  const calls = createGatewayActivities(dependencies);
  await putJson(dependencies.store, batch, 'records-1', records);
  const { validated } = await run(() => local.validateBatch({ batch, records: 'records-1' }));
  const { enrollmentData } = await run(() => local.encryptBatch({ batch, round: 1, validated }));
  const submission = await run(() => calls.submitBatch({ batch, round: 1, enrollmentData }));
  if (submission.kind !== 'accepted') throw new Error(`the batch was answered with ${submission.kind}`);
  const { batchId, flowId } = submission;
  const status = await run(() => calls.fetchBatchStatus({ batch, round: 1, batchId, flowId }));
  expect(status.kind).toBe('terminal');
  return {
    remove: () => run(() => calls.removeCards({ batch, reason: 'ROLLBACK', flowId })),
    outcomes: () => getJson<Outcome[]>(dependencies.store, batch, Blob.outcomes),
  };
}

it('takes everything that a batch enrolled out of Mastercard, and leaves what another batch enrolled', async () => {
  const kept = { ...testRecord(1), cards: [testCard(900)] };
  await enroll('other-batch', [kept]);
  const { remove, outcomes } = await enroll('batch-1', [testRecord(1, 2), testRecord(2)]);
  expect(simulator.enrolledCards()).toHaveLength(4);
  // An answer that is not Mastercard's, and a deletion that was carried out and not answered.
  simulator.fault({ operation: 'deleteCard', fault: { kind: 'html', status: 404 } });
  simulator.fault({ operation: 'deleteCard', fault: { kind: 'dropAfter' } });
  simulator.fault({ operation: 'deleteProfile', fault: { kind: 'malformedJson', accepted: false } });

  expect(await remove()).toMatchObject({
    counts: { cards: 3, rolledBack: 3, enrolled: 0 },
    removed: 2,
    absent: 1,
    failed: 0,
    profilesRemoved: 1,
    profilesFailed: 0,
  });
  expect(simulator.enrolledCards().map(({ externalCardId }) => externalCardId)).toEqual(['card-900']);
  expect((await outcomes()).map(({ status }) => status)).toEqual(Array(3).fill('ROLLED_BACK'));
  expect(simulator.requests().filter(({ flowId }) => flowId === 'foreign')).toEqual([]);
});

it('leaves nothing at Mastercard when every batch is rolled back', async () => {
  const { remove } = await enroll('batch-2', [{ ...testRecord(1), cards: [testCard(900)] }, testRecord(3)]);
  expect(await remove()).toMatchObject({ removed: 2, failed: 0, profilesRemoved: 2 });
  expect(simulator.enrolledCards()).toEqual([]);
  expect(await remove()).toMatchObject({ removed: 2, absent: 0, failed: 0, profilesRemoved: 2 });
});
