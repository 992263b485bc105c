import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import myApi from '../../examples/my-api.js';
import type { EnrollmentClient } from '../../client/enrollment-client.js';
import type { PolicyInput } from '../../enrollment/policy-schema.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import type { EnrollmentApi } from '../../mastercard/api/enrollment-api.js';
import { createHttpGateway } from '../../mastercard/http-gateway.js';
import { createSimulator, TRIGGERS, type Simulator } from '../../simulator/index.js';
import { fingerprintOf } from '../../simulator/jwe-opener.js';
import { rsaKeyPair } from '../mastercard/key-files.js';
import { startBulk, writePortfolio } from '../support/bulk-rig.js';
import { MY_WIRE } from '../support/my-wire.js';
import { testRecord, testRecords } from '../support/records.js';
import { PROGRAM, Rig, runningAll } from '../support/rig.js';
import { until } from '../support/until.js';

const [signing, encryption] = [rsaKeyPair(), rsaKeyPair()];
const IDS = {
  srcClientId: '5e0d4b84-189d-4c86-822d-590602f62062',
  serviceId: 'SRC',
  consumerKey: 'client!key',
};

let rig: Rig;
let simulator: Simulator;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());
beforeEach(async () => {
  simulator = await createSimulator({
    credentials: [
      { ...IDS, signingPublicKey: signing.publicKey, decryptionPrivateKey: encryption.privateKey },
    ],
    processingMs: 0,
    wire: MY_WIRE,
  });
  onTestFinished(() => simulator.close());
});

/** Runs workers and a client that believe in an API module, against a Mastercard that speaks as `my-api` expects. */
async function believing<T>(
  api: EnrollmentApi,
  work: (client: EnrollmentClient, taskQueue: string) => Promise<T>,
): Promise<T> {
  const { baseUrl } = simulator;
  const gateway = createHttpGateway({ api, ...IDS, baseUrl, signingKey: signing.privateKey });
  const taskQueue = rig.nextBatchId('my-api-queue');
  const recipient = { kid: fingerprintOf(encryption.privateKey), key: encryption.publicKey };
  const workers = await rig.createWorkers({ taskQueue, gateway, recipient, api });
  try {
    return await runningAll(workers, () => work(rig.client({ taskQueue, api }), taskQueue));
  } finally {
    await gateway.close();
  }
}

function enrolling(api: EnrollmentApi, records: EnrollmentRecord[], policy: PolicyInput = {}) {
  const externalBatchId = rig.nextBatchId('my');
  return believing(api, async (client) => {
    const batch = await client.enroll({ externalBatchId, program: PROGRAM, records, policy });
    const result = await batch.result();
    return { result, outcomes: await batch.outcomes() };
  });
}

/** The n-th record, whose card does what a trigger says. */
function triggering(n: number, trigger: keyof typeof TRIGGERS.cards): EnrollmentRecord {
  const record = testRecord(n);
  record.cards[0]!.primaryAccountNumber = TRIGGERS.cards[trigger].pan;
  return record;
}

describe('with an API module of its own, a program', () => {
  test('enrolls cards, and reports a declined one with its reason', async () => {
    const { result, outcomes } = await enrolling(myApi, [testRecord(1), triggering(2, 'PAN_INELIGIBLE')]);
    expect(result).toMatchObject({ status: 'COMPLETED_WITH_ERRORS', counts: { enrolled: 1, failed: 1 } });
    expect(outcomes).toMatchObject([{ status: 'ENROLLED' }, { status: 'FAILED', reason: 'PAN_INELIGIBLE' }]);
    expect(simulator.enrolledCards()).toHaveLength(1);
  });

  test('sends a card again in a second round, under the id that the module gives it', async () => {
    const records = [testRecord(1), triggering(2, 'NO_RESPONSE_FROM_ISSUER_ONCE')];
    const policy = { retryFailedRecords: { maxRounds: 2, delay: '1h' } } as const;
    const { result, outcomes } = await enrolling(myApi, records, policy);
    expect(result).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 2 } });
    expect(outcomes.map(({ round }) => round)).toEqual([1, 2]);
    expect(simulator.accepted().map(({ externalBatchId }) => externalBatchId)).toEqual([
      expect.stringMatching(/^my-\d+$/),
      expect.stringMatching(/^my-\d+-R2$/),
    ]);
  });

  test('takes back what was enrolled, cards and profiles', async () => {
    const records = [testRecord(1), triggering(2, 'PAN_INELIGIBLE')];
    const { result } = await enrolling(myApi, records, { onPartialFailure: 'rollback' });
    expect(result).toMatchObject({ status: 'ROLLED_BACK', counts: { rolledBack: 1, failed: 1 } });
    expect(simulator.enrolledCards()).toEqual([]);
    expect(simulator.requests().map(({ operation, status }) => [operation, status])).toContainEqual([
      'deleteProfile',
      200,
    ]);
  });

  test('takes back the profile that a declined card left, and says of it that it may remain until then', async () => {
    const records = [testRecord(1), triggering(2, 'PROFILE_REMAINS')];
    const kept = await enrolling(myApi, records);
    expect(kept.outcomes[1]).toMatchObject({
      status: 'FAILED',
      details: [{}, { code: 'PROFILE_MAY_REMAIN' }],
    });
    const { result, outcomes } = await enrolling(myApi, records, { onPartialFailure: 'rollback' });
    expect(result).toMatchObject({ status: 'ROLLED_BACK' });
    expect(outcomes[1]!.details).toHaveLength(1);
    const removals = simulator.requests().filter(({ operation }) => operation === 'deleteProfile');
    expect(removals.map(({ status }) => status)).toEqual([200, 200]);
  });

  test('enrolls a portfolio', async () => {
    const bulkId = rig.nextBatchId('my-job');
    await writePortfolio(rig, bulkId, testRecords(7));
    const result = await believing(myApi, async (_client, taskQueue) => {
      const job = await startBulk(rig, taskQueue, bulkId);
      return job.result();
    });
    expect(result).toMatchObject({ batches: 3, counts: { enrolled: 7 } });
    expect(simulator.enrolledCards()).toHaveLength(7);
  });

  test("checks the batchId that an operator names, and adopts Mastercard's own", async () => {
    simulator.configure({ duplicates: 'withoutBatchId' });
    simulator.fault({ operation: 'enroll', fault: { kind: 'dropAfter' } });
    const externalBatchId = rig.nextBatchId('my');
    const result = await believing(myApi, async (client) => {
      const records = [testRecord(1)];
      const batch = await client.enroll({ externalBatchId, program: PROGRAM, records });
      await until(async () => (await batch.progress()).status === 'AWAITING_OPERATOR');
      await expect(batch.resolve({ batchId: 'another' })).rejects.toThrow('does not know batchId');
      await batch.resolve({ batchId: simulator.accepted()[0]!.batchId });
      return batch.result();
    });
    expect(result).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 1 } });
  });

  test('refuses an id for which the module leaves no room', async () => {
    const externalBatchId = 'm'.repeat(48);
    const policy = { retryFailedRecords: { maxRounds: 3 } } as const;
    const client = rig.client({ api: myApi });
    await expect(
      client.enroll({ externalBatchId, program: PROGRAM, records: [testRecord(1)], policy }),
    ).rejects.toThrow('externalBatchId must have at most 47 characters, since it is longer in round 3');
  });
});

test('with the built-in module the same Mastercard is not misunderstood: nothing is enrolled, and the batch says where it failed', async () => {
  const { result } = await enrolling(batchEnroll, [testRecord(1)]);
  expect(result).toMatchObject({ status: 'FAILED', counts: { enrolled: 0 } });
  expect(result.reasons.join()).toMatch(/submitBatch failed \(answer 404 RESOURCE_UNKNOWN.*baseUrl/);
  expect(simulator.accepted()).toEqual([]);
});
