import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ApplicationFailure } from '@temporalio/activity';
import {
  createGatewayActivities,
  createLocalActivities,
  type ProfileAnswer,
  type RecordedRemovals,
  type RemovalAnswer,
  type Unreadable,
} from '../../activities/index.js';
import { loadConfig } from '../../config/load.js';
import { writeSandboxConfig } from '../../dev/sandbox.js';
import { Blob } from '../../enrollment/blobs.js';
import { FailureType } from '../../enrollment/errors.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { digestedBytes } from '../../protection/records-digest.js';
import { createSimulator, type Simulator } from '../../simulator/index.js';
import { getJson, putJson } from '../../store/store.js';
import { createDependencies, type WorkerDependencies } from '../../worker/dependencies.js';
import { testCard, testRecord } from '../support/records.js';
import { activityEnvironment } from './environment.js';
import { sandboxKeysIn } from '../support/sandbox-keys.js';

let folder: string;
let simulator: Simulator;
let dependencies: WorkerDependencies;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-test-'));
  const keys = await sandboxKeysIn(folder);
  simulator = await createSimulator({ credentials: [keys.credentials], processingMs: 0 });
  const { configPath } = await writeSandboxConfig(keys, { baseUrl: simulator.baseUrl });
  dependencies = await createDependencies(await loadConfig(configPath));
});
afterAll(async () => {
  await dependencies.close();
  await simulator.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs the activities of a batch up to its terminal status, and gives a function that takes its cards back. */
async function enroll(externalBatchId: string, records: EnrollmentRecord[]) {
  const batch = { program: 'demo', externalBatchId };
  const local = createLocalActivities(dependencies);
  const calls = createGatewayActivities(dependencies);
  await putJson(dependencies.store, batch, 'records-1', records);
  const recordsDigest = (await dependencies.keyRing.latest()).digest(digestedBytes(records));
  const { validated } = await done('validated', () =>
    local.validateBatch({ batch, chain: 'chain-1', records: 'records-1', recordsDigest }),
  );
  const { enrollmentData } = await done('encrypted', () =>
    local.encryptBatch({ batch, round: 1, validated, chain: 'chain-a' }),
  );
  const { batchId, flowId } = await done('accepted', () =>
    calls.submitBatch({ batch, round: 1, enrollmentData, chain: 'chain-a' }),
  );
  await done('terminal', () => calls.fetchBatchStatus({ batch, round: 1, batchId, flowId }));

  async function takeBack(): Promise<RecordedRemovals> {
    const cards: Record<number, RemovalAnswer> = {};
    for (const card of (await done('listed', () => local.listEnrolled({ batch }))).cards)
      cards[card] = readable(
        await repeated(() => calls.removeCard({ batch, card, reason: 'other', flowId })),
      );
    const profiles: Record<number, ProfileAnswer> = {};
    for (const card of (await done('recorded', () => local.recordRemovals({ batch, cards }))).profiles)
      profiles[card] = readable(await repeated(() => calls.removeProfile({ batch, card, flowId })));
    return done('recorded', () => local.recordRemovals({ batch, cards, profiles }));
  }
  return {
    takeBack,
    outcomes: () => getJson<Outcome[]>(dependencies.store, batch, Blob.outcomes),
  };
}

/** Runs an activity, as often as Temporal would until it gives a result. */
async function repeated<T>(activity: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await activityEnvironment({ attempt }).run(activity);
    } catch (error) {
      const mayPass = error instanceof ApplicationFailure && error.type === FailureType.GatewayUnavailable;
      if (!mayPass || attempt === 4) throw error;
    }
  }
}

/** Runs an activity whose result must be of this kind. */
async function done<T extends { kind: string }, Kind extends T['kind']>(
  kind: Kind,
  activity: () => Promise<T>,
): Promise<Extract<T, { kind: Kind }>> {
  const result = await repeated(activity);
  if (result.kind !== kind) throw new Error(JSON.stringify(result));
  return result as Extract<T, { kind: Kind }>;
}

function readable<T extends { kind: string }>(answer: T): Exclude<T, Unreadable> {
  if (answer.kind === 'unreadable') throw new Error(JSON.stringify(answer));
  return answer as Exclude<T, Unreadable>;
}

it('takes everything that a batch enrolled out of Mastercard, and leaves what another batch enrolled', async () => {
  const kept = { ...testRecord(1), cards: [testCard(900)] };
  await enroll('other-batch', [kept]);
  const { takeBack, outcomes } = await enroll('batch-1', [testRecord(1, 2), testRecord(2)]);
  expect(simulator.enrolledCards()).toHaveLength(4);
  // An answer that is not Mastercard's, and a deletion that was carried out and not answered.
  simulator.fault({ operation: 'deleteCard', fault: { kind: 'html', status: 404 } });
  simulator.fault({ operation: 'deleteCard', fault: { kind: 'dropAfter' } });
  simulator.fault({ operation: 'deleteProfile', fault: { kind: 'malformedJson', accepted: false } });

  const recorded = await takeBack();
  expect(recorded).toMatchObject({ counts: { cards: 3, rolledBack: 3, enrolled: 0 }, failed: 0 });
  expect(recorded).toMatchObject({ profiles: [2, 1], profilesFailed: 0 });
  expect(simulator.enrolledCards().map(({ externalCardId }) => externalCardId)).toEqual(['card-900']);
  const codes = (await outcomes()).map(({ status, details }) => `${status} ${details?.at(-1)?.code}`);
  expect(codes.sort()).toEqual([
    'ROLLED_BACK ALREADY_ABSENT',
    ...Array<string>(2).fill('ROLLED_BACK REMOVED'),
  ]);
  expect(simulator.requests().filter(({ flowId }) => flowId === 'foreign')).toEqual([]);
});

it('leaves nothing at Mastercard when every batch is taken back, and changes nothing when done again', async () => {
  const { takeBack, outcomes } = await enroll('batch-2', [
    { ...testRecord(1), cards: [testCard(900)] },
    testRecord(3),
  ]);
  const first = await takeBack();
  expect(first).toMatchObject({ counts: { rolledBack: 2 }, failed: 0, profiles: [1, 0], profilesFailed: 0 });
  expect(simulator.enrolledCards()).toEqual([]);
  const before = await outcomes();
  expect(await takeBack()).toEqual(first);
  expect(await outcomes()).toEqual(before);
});
