import { ApplicationFailure } from '@temporalio/activity';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FailureType } from '../../enrollment/errors.js';
import { GatewayFailure, type FailureFacts } from '../../mastercard/errors.js';
import { KeyRingError } from '../../protection/key-ring-json.js';
import { StoreUnavailableError } from '../../store/store.js';
import { ScriptedGateway } from '../support/scripted-gateway.js';
import { BATCH, SubmissionRig } from './submission-rig.js';
import { jweOf } from '../support/records.js';

let rig: SubmissionRig;
beforeEach(async () => {
  rig = await SubmissionRig.create();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rig.store.erase();
});

test('a round whose id the API does not take is refused, and nothing is sent', async () => {
  const gateway = new ScriptedGateway();
  const batch = { ...BATCH, externalBatchId: 'b'.repeat(63) };
  expect(await rig.submit(gateway, { batch, round: 2 })).toEqual({
    kind: 'refused',
    reason: 'EXTERNAL_BATCH_ID_UNUSABLE',
    message:
      'nothing was sent: the externalBatchId of the round must be 1 to 64 characters of A-Z a-z 0-9 . _ : -',
    details: [],
  });
  expect(gateway.submissions).toEqual([]);
});

describe('an attempt that provably sent nothing is not accepted, so that the workflow tries again', () => {
  test('in a worker that does not know the program', async () => {
    const gateway = new ScriptedGateway();
    const program = () => {
      throw ApplicationFailure.create({
        type: FailureType.ConfigurationInvalid,
        message: "this worker's configuration has no program 'demo'",
      });
    };
    expect(await rig.submit(gateway, {}, { program })).toEqual({
      kind: 'notAccepted',
      reason: 'PROGRAM_UNKNOWN',
      message: "nothing was sent: this worker's configuration has no program 'demo'",
      details: [],
    });
    expect(await rig.mark()).toBeUndefined();
  });

  test('where the store does not answer now', async () => {
    const busy = Object.assign(new Error('too many files'), { code: 'EMFILE' });
    vi.spyOn(rig.store, 'get').mockRejectedValue(busy);
    const gateway = new ScriptedGateway();
    expect(await rig.submit(gateway)).toEqual({
      kind: 'notAccepted',
      message: 'nothing was sent: the store failed (EMFILE)',
      reason: 'STORE_UNAVAILABLE',
      details: [],
    });
    expect(gateway.submissions).toEqual([]);
  });

  test.each([
    new StoreUnavailableError('cannot read /data/b.sealed: the file system failed (EIO)'),
    new KeyRingError('keys/data-keys.json', 'is not JSON'),
  ])('and it says what to do about the store or the key ring: $name', async (problem) => {
    vi.spyOn(rig.store, 'get').mockRejectedValue(problem);
    expect(await rig.submit(new ScriptedGateway())).toMatchObject({
      kind: 'notAccepted',
      message: `nothing was sent: ${problem.message}`,
    });
  });

  test('where the JWE is missing it is a result, not a failure that uses the one attempt up', async () => {
    await rig.store.delete(BATCH, jweOf(1));
    const gateway = new ScriptedGateway();
    expect(await rig.submit(gateway)).toMatchObject({ kind: 'unreadable', why: 'missing' });
    expect(gateway.submissions).toEqual([]);
    expect(await rig.mark()).toBeUndefined();
  });
});

describe('what Mastercard says is a result, whatever it is', () => {
  test.each<[string, string, Partial<FailureFacts>]>([
    ['401', 'callerRefused', { kind: 'configuration', httpStatus: 401, reason: 'UNAUTHENTICATED' }],
    ['403', 'callerRefused', { kind: 'configuration', httpStatus: 403, reason: 'PERMISSION_DENIED' }],
    ['a wrong address', 'callerRefused', { kind: 'configuration', httpStatus: 301 }],
    ['400', 'refused', { kind: 'refused', httpStatus: 400, reason: 'INVALID_ARGUMENT' }],
    ['409', 'duplicate', { kind: 'duplicate', httpStatus: 409, batchId: 'mc-9' }],
    ['503', 'notAccepted', { kind: 'notAccepted', httpStatus: 503, retryAfterMs: 9_000 }],
    ['no connection', 'notAccepted', { kind: 'notSent', problem: 'ECONNREFUSED' }],
    ['no answer', 'unknown', { kind: 'unknown', problem: 'ECONNRESET' }],
  ])('%s is %s', async (_, kind, facts) => {
    const failure = new GatewayFailure({ kind: 'unknown', operation: 'submitBatch', ...facts });
    const gateway = new ScriptedGateway({ submit: [failure] });
    const { httpStatus, batchId, retryAfterMs: retryAfter } = failure;
    const more = { ...(batchId && { batchId }), ...(retryAfter && { retryAfter }) };
    expect(await rig.submit(gateway)).toMatchObject({ kind, message: failure.message, httpStatus, ...more });
    expect(gateway.submissions).toHaveLength(1);
  });

  test('a defect on the way is thrown: whether Mastercard has the batch is not known then', async () => {
    const defect = new TypeError('a defect');
    const gateway = new ScriptedGateway({ submit: [() => Promise.reject(defect)] });
    await expect(rig.submit(gateway)).rejects.toBe(defect);
  });
});
