import { Blob } from '../../enrollment/blobs.js';
import type { Recipient } from '../../mastercard/jwe.js';
import { putJson } from '../../store/store.js';
import { rsaKeyPair } from '../mastercard/key-files.js';
import { testCard, testRecord, testRecords } from '../support/records.js';
import {
  accepting,
  all,
  callerRefused,
  duplicate,
  half,
  lost,
  processing,
  refused,
  throttled,
  twoRounds,
} from './answers.js';
import type { BatchWay } from './batch-way.js';
import { BY, passingUntil } from './scenario.js';

const invalid = { ...testRecord(3), cards: [{ ...testCard(300), panExpirationMonth: '13' }] };
const isAsked =
  (question: string) => async (batch: { progress(): Promise<{ question?: string | undefined }> }) =>
    (await batch.progress()).question === question;
const asksForBatchId = isAsked('batchId');

const completed: BatchWay = {
  name: 'completed',
  ends: 'COMPLETED',
  mastercard: (id) => ({ status: [processing(id), all(id)] }),
};

const secondRound: BatchWay = {
  name: 'completed-in-the-second-round',
  ends: 'COMPLETED',
  policy: { retryFailedRecords: { maxRounds: 2, delay: '2h' } },
  mastercard: () => ({ submit: [accepting], status: [twoRounds()] }),
};

const lostAnswer: BatchWay = {
  name: 'completed-after-throttling-and-a-lost-answer',
  ends: 'COMPLETED',
  mastercard: (id) => ({ submit: [throttled, lost, { batchId: 'mc-1' }], status: [all(id)] }),
};

const operatorsBatchId: BatchWay = {
  name: 'completed-with-an-operators-batch-id',
  ends: 'COMPLETED',
  mastercard: (id) => ({
    submit: [duplicate],
    status: [({ batchId }) => (batchId === 'mc-9' ? all(id) : processing('another'))],
  }),
  async act(batch, { rig }) {
    await passingUntil(rig, () => asksForBatchId(batch));
    await batch.resolve({ batchId: 'mc-wrong' }, BY).catch(() => undefined);
    await batch.resolve({ batchId: 'mc-9' }, BY);
  },
};

/** Mastercard's key changes when the batch is throttled: it is encrypted afresh. */
function changedKey(): Pick<BatchWay, 'recipient' | 'mastercard'> {
  let recipient: Recipient | undefined;
  const changes = () => {
    recipient = { kid: 'after', key: rsaKeyPair().publicKey };
    throw throttled;
  };
  return {
    recipient: () => Promise.resolve((recipient ??= { kid: 'before', key: rsaKeyPair().publicKey })),
    mastercard: (id) => ({ submit: [changes, { batchId: 'mc-1' }], status: [all(id)] }),
  };
}

/** Up to where Mastercard has the batch, or not. */
export const submissionWays: BatchWay[] = [
  completed,
  {
    name: 'completed-with-errors',
    ends: 'COMPLETED_WITH_ERRORS',
    records: [...testRecords(2), invalid, testRecord(4)],
    mastercard: (id) => ({ status: [half(id)] }),
  },
  secondRound,
  lostAnswer,
  { name: 'completed-after-mastercards-key-changed', ends: 'COMPLETED', ...changedKey() },
  operatorsBatchId,
  {
    name: 'completed-after-an-operator-had-it-resent',
    ends: 'COMPLETED',
    policy: { uncertainSubmission: 'askOperator' },
    mastercard: (id) => ({ submit: [lost, { batchId: 'mc-1' }], status: [all(id)] }),
    async act(batch, { rig }) {
      await passingUntil(rig, () => asksForBatchId(batch));
      await batch.resolve({ resend: true }, BY);
    },
  },
  {
    name: 'completed-after-another-workflow-had-offered-it',
    ends: 'COMPLETED',
    before: ({ rig, key }) =>
      putJson(rig.store, key, Blob.offered(1), { chain: 'another', offeredAt: '2026-11-01T00:00:00.000Z' }),
    mastercard: (id) => ({ status: [all(id)] }),
    async act(batch, { rig }) {
      await passingUntil(rig, () => asksForBatchId(batch));
      await batch.resolve({ resend: true }, BY);
    },
  },
  { name: 'rejected', ends: 'REJECTED', records: [invalid], mastercard: () => ({}) },
  {
    name: 'rejected-by-mastercard',
    ends: 'REJECTED',
    mastercard: () => ({ submit: [refused] }),
  },
  {
    name: 'failed-configuration-invalid',
    ends: 'FAILED',
    failure: 'ConfigurationInvalid',
    mastercard: () => ({ submit: [callerRefused] }),
  },
  {
    name: 'failed-submission-unresolved',
    ends: 'FAILED',
    failure: 'SubmissionUnresolved',
    mastercard: () => ({ submit: [lost, callerRefused] }),
    async act(batch, { rig }) {
      await passingUntil(rig, () => asksForBatchId(batch));
      await batch.resolve({ abandon: true }, BY);
    },
  },
  {
    name: 'failed-not-accepted-before-the-deadline',
    ends: 'FAILED',
    failure: 'BatchFailed',
    policy: { submission: { deadline: '3m' } },
    mastercard: () => ({ submit: [throttled] }),
  },
];

export const handedOverWhileSubmitting: BatchWay[] = [lostAnswer, secondRound, operatorsBatchId];
