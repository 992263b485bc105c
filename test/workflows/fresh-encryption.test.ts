import { createHash, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { activityInfo } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ProgramDependencies } from '../../activities/dependencies.js';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import type { PolicyInput } from '../../enrollment/policy-schema.js';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import { GatewayFailure, type FailureFacts } from '../../mastercard/errors.js';
import type { EnrollmentGateway, SubmissionReceipt } from '../../mastercard/gateway.js';
import { createHttpGateway } from '../../mastercard/http-gateway.js';
import type { Recipient } from '../../mastercard/jwe.js';
import { LiveEncryptionKey } from '../../mastercard/keys.js';
import { createSimulator } from '../../simulator/index.js';
import { rsaKeyPair } from '../mastercard/key-files.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { declined, report, ScriptedGateway, success } from '../support/scripted-gateway.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

const NOTICE =
  /^Mastercard's encryption key changed before it took round 1, which was then encrypted afresh$/;

const oldKey: Recipient = { kid: 'old', key: rsaKeyPair().publicKey };
const newKey: Recipient = { kid: 'new', key: rsaKeyPair().publicKey };

const accepted: SubmissionReceipt = { batchId: 'mc-1' };
const throttled = refusal({ kind: 'notAccepted', httpStatus: 429 });
const lost = refusal({ kind: 'unknown', httpStatus: 504 });
/** How Mastercard refuses a key that it does not know is not published: this is how our simulator does. */
const keyRefused = refusal({
  kind: 'refused',
  httpStatus: 400,
  reason: 'INVALID_ARGUMENT',
  details: [{ reason: 'INVALID_VALUE', source: 'enrollmentData' }],
});

function refusal(facts: Omit<FailureFacts, 'operation'>): GatewayFailure {
  return new GatewayFailure({ operation: 'submitBatch', ...facts });
}

/** An answer, and from then on another key. */
interface Rekeying {
  rekeying: GatewayFailure;
}

/** Mastercard as a test writes it down, with a key that changes when the test says so. */
class Mastercard {
  key = oldKey;
  readonly gateway: ScriptedGateway;

  constructor(
    readonly id: string,
    answers: (SubmissionReceipt | GatewayFailure | Rekeying)[],
    status = [report(id, BatchStatusValue.completed, [success('cust-1', 'card-100')])],
  ) {
    const submit = answers.map((answer) => {
      if (!('rekeying' in answer)) return answer;
      return () => {
        this.key = newKey;
        throw answer.rekeying;
      };
    });
    this.gateway = new ScriptedGateway({ submit, status });
  }

  /** The bytes of each offer, as letters in the order in which they came. */
  get offers(): string {
    const known: string[] = [];
    return this.gateway.submissions
      .map(({ sha256 }) => {
        if (!known.includes(sha256)) known.push(sha256);
        return String.fromCharCode(65 + known.indexOf(sha256));
      })
      .join('');
  }
}

interface Run {
  id: string;
  gateway: EnrollmentGateway;
  recipient: ProgramDependencies['recipient'];
  policy?: PolicyInput;
}

/** Enrolls one card with workers that have the key from `recipient`. */
async function enrolling<T>(
  { id, gateway, recipient, policy = {} }: Run,
  work: (batch: EnrollmentBatch) => Promise<T>,
): Promise<T> {
  const taskQueue = rig.nextBatchId('c2p-fresh');
  const [workflows, calls] = await rig.createWorkers({ taskQueue, gateway, recipient });
  const enroll = async () => {
    const client = rig.client({ taskQueue });
    const records = testRecords(1);
    return work(await client.enroll({ externalBatchId: id, program: PROGRAM, records, policy }));
  };
  return workflows.runUntil(calls.runUntil(enroll));
}

function enrollAt(mastercard: Mastercard, policy: PolicyInput = {}) {
  const { id, gateway } = mastercard;
  const recipient = () => Promise.resolve(mastercard.key);
  return enrolling({ id, gateway, recipient, policy }, (batch) => batch.result());
}

/** How often the batch was encrypted. */
async function encryptions(id: string): Promise<number> {
  const events = (await rig.histories(id)).flatMap((history) => history.events ?? []);
  const scheduled = events.map((event) => event.activityTaskScheduledEventAttributes);
  return scheduled.filter((activity) => activity?.activityType?.name === 'encryptBatch').length;
}

describe("a round is encrypted afresh when Mastercard's key has changed", () => {
  test('before it was offered at all: the first offer is for the new key', async () => {
    const mastercard = new Mastercard(rig.nextBatchId('fresh'), [accepted]);
    const { id, gateway } = mastercard;
    let encrypted = false;
    const recipient = () => {
      const key = encrypted ? newKey : oldKey;
      encrypted ||= activityInfo().activityType === 'encryptBatch';
      return Promise.resolve(key);
    };
    const result = await enrolling({ id, gateway, recipient }, (batch) => batch.result());

    expect(result).toMatchObject({ status: 'COMPLETED', reasons: [expect.stringMatching(NOTICE)] });
    expect(mastercard.offers).toBe('A');
    expect(await encryptions(id)).toBe(2);
  });

  test('while Mastercard did not take it: the offers before were for the old key', async () => {
    const mastercard = new Mastercard(rig.nextBatchId('fresh'), [
      throttled,
      { rekeying: throttled },
      accepted,
    ]);
    const result = await enrollAt(mastercard);

    expect(result).toMatchObject({ status: 'COMPLETED', reasons: [expect.stringMatching(NOTICE)] });
    expect(mastercard.offers).toBe('AAB');
    expect(mastercard.gateway.submissions.map(({ externalBatchId }) => externalBatchId)).toEqual(
      Array(3).fill(mastercard.id),
    );
  });

  test.each([
    ['400', keyRefused],
    ['403', refusal({ kind: 'configuration', httpStatus: 403 })],
  ])('and Mastercard refused it for that, with %s', async (_status, answer) => {
    const mastercard = new Mastercard(rig.nextBatchId('fresh'), [{ rekeying: answer }, accepted]);
    expect(await enrollAt(mastercard)).toMatchObject({ status: 'COMPLETED' });
    expect(mastercard.offers).toBe('AB');
  });

  test('once: a round that is refused with the new key too is rejected', async () => {
    const mastercard = new Mastercard(rig.nextBatchId('fresh'), [{ rekeying: keyRefused }, keyRefused]);
    expect(await enrollAt(mastercard)).toMatchObject({ status: 'REJECTED', counts: { failed: 1 } });
    expect(mastercard.offers).toBe('AB');
  });

  test('in a later round as in the first', async () => {
    const id = rig.nextBatchId('fresh');
    const mastercard = new Mastercard(
      id,
      [accepted, { rekeying: throttled }, { batchId: 'mc-2' }],
      [
        report(id, BatchStatusValue.completedWithErrors, [
          declined('cust-1', 'card-100', 'NO_RESPONSE_FROM_ISSUER'),
        ]),
        {
          ...report(`${id}~2`, BatchStatusValue.completed, [success('cust-1', 'card-100')]),
          batchId: 'mc-2',
        },
      ],
    );
    expect(await enrollAt(mastercard, { retryFailedRecords: { maxRounds: 2 } })).toMatchObject({
      status: 'COMPLETED',
      reasons: [expect.stringContaining('before it took round 2')],
    });
    expect(mastercard.offers).toBe('ABC');
    expect(await encryptions(id)).toBe(3);
  });

  test('by a worker that does not know of it: then it is offered as it is, and waits for nobody', async () => {
    const mastercard = new Mastercard(rig.nextBatchId('fresh'), [accepted]);
    const { id, gateway } = mastercard;
    const recipient = () => Promise.resolve(activityInfo().activityType === 'encryptBatch' ? oldKey : newKey);
    const result = await enrolling({ id, gateway, recipient }, (batch) => batch.result());

    expect(result).toMatchObject({ status: 'COMPLETED', reasons: [] });
    expect(mastercard.offers).toBe('A');
    expect(await encryptions(id)).toBe(2);
  });
});

describe('a round of which Mastercard may have taken an offer is the same bytes to the end', () => {
  test("though Mastercard's key has changed", async () => {
    const mastercard = new Mastercard(rig.nextBatchId('fresh'), [{ rekeying: lost }, throttled, accepted]);
    expect(await enrollAt(mastercard)).toMatchObject({ status: 'COMPLETED' });
    expect(mastercard.offers).toBe('AAA');
    expect(await encryptions(mastercard.id)).toBe(1);
  });

  test('though Mastercard then refuses them for that: an operator is asked', async () => {
    const mastercard = new Mastercard(rig.nextBatchId('fresh'), [{ rekeying: lost }, keyRefused]);
    const { id, gateway } = mastercard;
    const recipient = () => Promise.resolve(mastercard.key);
    await enrolling({ id, gateway, recipient }, async (batch) => {
      await vi.waitUntil(async () => {
        await rig.env.sleep('1m');
        return (await batch.progress()).status === 'AWAITING_OPERATOR';
      }, 20_000);
      await batch.resolve({ abandon: true });
      expect(await batch.result()).toMatchObject({ status: 'FAILED', failure: 'SubmissionUnresolved' });
    });
    expect(mastercard.offers).toBe('AA');
  });

  test('also when it was encrypted afresh before, and the batch is cancelled', async () => {
    const mastercard = new Mastercard(rig.nextBatchId('fresh'), [{ rekeying: keyRefused }, lost, accepted]);
    const { id, gateway } = mastercard;
    const recipient = () => Promise.resolve(mastercard.key);
    const policy = { submission: { initial: '10m', maximum: '10m' } } as const;
    const result = await enrolling({ id, gateway, recipient, policy }, async (batch) => {
      // Between two attempts: nothing is under way that the cancellation could meet.
      await vi.waitUntil(
        async () => (await batch.progress()).submission?.nextAttemptAt !== undefined,
        20_000,
      );
      await batch.cancel();
      return batch.result();
    });

    expect(result).toMatchObject({ status: 'CANCELLED', counts: { rolledBack: 1 } });
    expect(mastercard.offers).toBe('ABB');
  });
});

test('over HTTP, with a key set: a Mastercard that refuses the old kid gets the batch under the new one', async () => {
  const [signing, old, fresh] = [rsaKeyPair(), rsaKeyPair(), rsaKeyPair()];
  let published: KeyObject = old.publicKey;
  const keySet = createServer((_request, response) => {
    const jwk = { ...published.export({ format: 'jwk' }), use: 'enc', kid: fingerprintOf(published) };
    response.end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => keySet.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void keySet.close());
  const jwksUrl = `http://127.0.0.1:${(keySet.address() as AddressInfo).port}/keys`;
  const ids = {
    srcClientId: '5e0d4b84-189d-4c86-822d-590602f62062',
    serviceId: 'SRC',
    consumerKey: 'client!key',
  };
  const simulator = await createSimulator({
    credentials: [{ ...ids, signingPublicKey: signing.publicKey, decryptionPrivateKey: old.privateKey }],
    processingMs: 0,
  });
  onTestFinished(() => simulator.close());
  const gateway = createHttpGateway({
    api: batchEnroll,
    ...ids,
    baseUrl: simulator.baseUrl,
    signingKey: signing.privateKey,
  });
  onTestFinished(() => gateway.close());
  const live = await LiveEncryptionKey.open({ jwksUrl }, signing.privateKey);

  const id = rig.nextBatchId('fresh');
  // What this process knows of the key is not yet old when Mastercard has another one.
  const [before, after] = await enrolling(
    { id, gateway: rekeyedAfterEncryption(gateway), recipient: (otherThan) => live.latest(otherThan) },
    async (batch) => [await batch.result(), await live.latest()] as const,
  );

  function rekeyedAfterEncryption(inner: EnrollmentGateway): EnrollmentGateway {
    let rekeyed = false;
    return {
      ...inner,
      submitBatch(...call) {
        if (!rekeyed) {
          simulator.rekey(fresh.privateKey);
          published = fresh.publicKey;
        }
        rekeyed = true;
        return inner.submitBatch(...call);
      },
    };
  }

  expect(before).toMatchObject({ status: 'COMPLETED', reasons: [expect.stringMatching(NOTICE)] });
  expect(after.kid).toBe(fingerprintOf(fresh.publicKey));
  const [batch] = simulator.accepted();
  expect(simulator.accepted()).toHaveLength(1);
  expect(batch?.offers).toMatchObject([{ accepted: false }, { accepted: true }]);
  expect(new Set(batch?.offers.map(({ sha256 }) => sha256)).size).toBe(2);
  expect(simulator.requests().map(({ operation, status }) => [operation, status])).toEqual([
    ['enroll', 400],
    ['enroll', 202],
    ['status', 200],
  ]);
});

function fingerprintOf(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}
