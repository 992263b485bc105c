import { MockActivityEnvironment } from '@temporalio/testing';
import { ApplicationFailure } from '@temporalio/activity';
import { expect, test } from 'vitest';
import { submitBatch } from '../../activities/submit-batch.js';
import { KeyRingError } from '../../protection/key-ring-json.js';
import { SealedBlobError } from '../../protection/seal.js';
import { SealedBlobMissingError, StoreUnavailableError, type BatchStore } from '../../store/store.js';
import { ScriptedGateway } from '../support/scripted-gateway.js';

const batch = { program: 'demo', externalBatchId: 'batch-1' };

/** One attempt to submit with a store that cannot be read. */
async function submitWith(problem: Error) {
  const gateway = new ScriptedGateway();
  const store = { get: () => Promise.reject(problem) } as unknown as BatchStore;
  const program = () => ({
    gateway,
    recipient: () => Promise.reject(new Error('not asked for')),
    contentEncryption: 'A128GCM' as const,
    maxCardsPerBatch: 250,
    policy: {},
  });
  const input = { batch, round: 1, enrollmentData: 'enrollment-data-1' };
  const answer = await new MockActivityEnvironment()
    .run(submitBatch({ store, program }), input)
    .catch((error: unknown) => error);
  return { answer, gateway };
}

test('a store that does not answer now means that nothing was sent, so the workflow tries again', async () => {
  const { answer, gateway } = await submitWith(
    Object.assign(new Error('too many files'), { code: 'EMFILE' }),
  );

  expect(answer).toEqual({
    kind: 'notAccepted',
    message: 'nothing was sent: the store could not be read (EMFILE)',
    reason: 'STORE_UNAVAILABLE',
    details: [],
  });
  expect(gateway.submissions).toEqual([]);
});

test.each([
  new StoreUnavailableError('cannot read /data/b.sealed: the file system failed (EIO)'),
  new SealedBlobError('unknownKey', 'batch-1', 'k7'),
  new KeyRingError('keys/data-keys.json', 'is not JSON'),
])('what to do about a store or a key ring that fails for now is told: $name', async (problem) => {
  const { answer } = await submitWith(problem);

  expect(answer).toMatchObject({ kind: 'notAccepted', message: `nothing was sent: ${problem.message}` });
});

test('a blob that is gone stays gone, so the attempt fails for good', async () => {
  const { answer } = await submitWith(new SealedBlobMissingError(batch, 'enrollment-data-1'));

  expect(answer).toBeInstanceOf(ApplicationFailure);
  expect(answer).toMatchObject({ type: 'SealedBlobMissing', nonRetryable: true });
});
