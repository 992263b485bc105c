import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import { Blob } from '../../enrollment/blobs.js';
import { untilItWaits } from '../support/bulk-rig.js';
import { testCard, testRecord, testRecords } from '../support/records.js';
import {
  accepting,
  all,
  duplicate,
  half,
  notRemovable,
  processing,
  throttled,
  twoRounds,
} from './answers.js';
import type { BatchWay } from './batch-way.js';
import { asksForMoreTime, hasPolled } from './polling-ways.js';
import { BY, passingUntil } from './scenario.js';

const asks = async (batch: EnrollmentBatch, question: string) =>
  (await batch.progress()).question === question;

const secondAttempt: BatchWay = {
  name: 'rolled-back-at-the-second-attempt',
  ends: 'ROLLED_BACK',
  policy: { onPartialFailure: 'rollback' },
  mastercard: (id) => ({ status: [half(id)], deleteCard: [notRemovable, 'removed'] }),
  async act(batch, { rig }) {
    await passingUntil(rig, () => asks(batch, 'removal'));
    await batch.retryRollback({ retry: true }, BY);
  },
};

const takenBack: BatchWay = {
  name: 'cancelled-and-taken-back',
  ends: 'CANCELLED',
  policy: { polling: { initial: '1s', maximum: '1s' } },
  mastercard: (id, { rig }) => ({
    status: [
      processing(id),
      async () => {
        await rig.client().batch(id).cancel();
        return processing(id);
      },
      processing(id),
      all(id),
    ],
  }),
};

/** Mastercard is done when the operator has decided. */
const cancelledInTemporal = (
  name: string,
  ends: BatchWay['ends'],
  decide: (batch: EnrollmentBatch) => Promise<void>,
): BatchWay => ({
  ...takenBack,
  name,
  ends,
  mastercard: (id, { rig }) => ({
    status: [
      async () => {
        const { changes = [] } = await rig.client().batch(id).progress();
        return changes.length === 0 ? processing(id) : all(id);
      },
    ],
  }),
  async act(batch, { rig }) {
    await untilItWaits(rig, batch.externalBatchId);
    await rig.workflow(batch.externalBatchId).cancel();
    await passingUntil(rig, () => asks(batch, 'cancellation'), '1s');
    await decide(batch);
  },
});
const cancelledInBoth = cancelledInTemporal(
  'cancelled-in-temporal-and-by-an-operator',
  'CANCELLED',
  (batch) => batch.cancel(BY),
);

/** Cards that are removed again, and cancellations. */
const cancellations: BatchWay[] = [
  secondAttempt,
  {
    name: 'failed-compensation',
    ends: 'FAILED',
    failure: 'CompensationFailed',
    policy: { onPartialFailure: 'rollback' },
    mastercard: (id) => ({ status: [half(id)], deleteCard: [notRemovable] }),
    async act(batch, { rig }) {
      await passingUntil(rig, () => asks(batch, 'removal'));
      await batch.retryRollback({ abandon: true }, BY);
    },
  },
  {
    name: 'cancelled-before-it-was-accepted',
    ends: 'CANCELLED',
    mastercard: () => ({ submit: [throttled] }),
    async act(batch, { rig }) {
      await passingUntil(
        rig,
        async () => (await batch.progress()).submission?.nextAttemptAt !== undefined,
        '1s',
      );
      await batch.cancel();
    },
  },
  takenBack,
  cancelledInBoth,
  cancelledInTemporal('completed-though-cancelled-in-temporal', 'COMPLETED', (batch) => batch.goOn(BY)),
  {
    name: 'cancelled-and-left',
    ends: 'CANCELLED',
    policy: { onCancel: 'leave' },
    mastercard: (id) => ({ status: [processing(id)] }),
    async act(batch, { rig }) {
      await passingUntil(rig, () => hasPolled(batch, 1));
      await batch.cancel();
    },
  },
  {
    name: 'cancelled-between-rounds',
    ends: 'CANCELLED',
    policy: { retryFailedRecords: { maxRounds: 2, delay: '1d' } },
    mastercard: () => ({ submit: [accepting], status: [twoRounds()] }),
    async act(batch, { rig }) {
      await passingUntil(rig, async () => (await batch.progress()).nextRoundAt !== undefined);
      await batch.cancel();
    },
  },
  {
    name: 'cancelled-while-asked-for-the-batch-id',
    ends: 'CANCELLED',
    mastercard: () => ({ submit: [duplicate] }),
    async act(batch, { rig }) {
      await passingUntil(rig, () => asks(batch, 'batchId'));
      await batch.cancel();
    },
  },
  {
    name: 'cancelled-while-asked-for-more-time',
    ends: 'CANCELLED',
    policy: {
      polling: { initial: '1h', maximum: '1h', deadline: '1h', jitter: 0 },
      onPollingDeadline: 'askOperator',
    },
    mastercard: (id) => ({ status: [processing(id), all(id)] }),
    async act(batch, { rig }) {
      await passingUntil(rig, () => asksForMoreTime(batch), '1h');
      await batch.cancel();
    },
  },
];

const keyComesBack: BatchWay = {
  name: 'completed-after-a-key-was-missing',
  ends: 'COMPLETED',
  mastercard: (id, { rig, key }) => ({
    submit: [
      async () => {
        await rig.store.sealUnderMissingKey(key, Blob.cards);
        return { batchId: 'mc-1' };
      },
    ],
    status: [processing(id), all(id)],
  }),
  async act(batch, { rig, key }) {
    await passingUntil(rig, () => asks(batch, 'key'));
    await rig.store.findKeyOf(key, Blob.cards);
  },
};

const keyComesBackWhileRemoving: BatchWay = {
  name: 'rolled-back-after-a-key-was-missing',
  ends: 'ROLLED_BACK',
  policy: { onPartialFailure: 'rollback' },
  mastercard: (id, { rig, key }) => ({
    status: [half(id)],
    deleteCard: [
      async () => {
        await rig.store.sealUnderMissingKey(key, Blob.outcomes);
        return 'removed' as const;
      },
    ],
  }),
  async act(batch, { rig, key }) {
    await passingUntil(rig, () => asks(batch, 'key'));
    await rig.store.findKeyOf(key, Blob.outcomes);
  },
};

/** Blobs that cannot be read. */
const unreadable: BatchWay[] = [
  keyComesBack,
  keyComesBackWhileRemoving,
  {
    name: 'failed-closed-without-what-is-unreadable',
    ends: 'FAILED',
    failure: 'SealedBlobUnreadable',
    mastercard: keyComesBack.mastercard,
    async act(batch, { rig }) {
      await passingUntil(rig, () => asks(batch, 'key'));
      await batch.closeWithoutUnreadable(BY);
    },
  },
  {
    name: 'failed-a-blob-was-lost',
    ends: 'FAILED',
    failure: 'SealedBlobMissing',
    mastercard: (id, { rig, key }) => ({
      submit: [
        async () => {
          await rig.store.delete(key, Blob.cards);
          return { batchId: 'mc-1' };
        },
      ],
      status: [all(id)],
    }),
  },
];

const invalid = { ...testRecord(3), cards: [{ ...testCard(300), panExpirationMonth: '13' }] };

const inline: BatchWay[] = [
  {
    name: 'inline-completed-with-errors',
    ends: 'COMPLETED_WITH_ERRORS',
    records: [...testRecords(2), invalid],
    mastercard: (id) => ({ status: [half(id)] }),
    isInline: true,
  },
  {
    name: 'inline-refused',
    ends: 'FAILED',
    failure: 'InputRefused',
    records: [],
    mastercard: () => ({}),
    isInline: true,
  },
];

export const endingWays: BatchWay[] = [...cancellations, ...unreadable, ...inline];

export const handedOverWhileEnding: BatchWay[] = [
  secondAttempt,
  keyComesBack,
  keyComesBackWhileRemoving,
  takenBack,
];
/** Not in skipped time: the test server lets no workflow hand over that it was asked to cancel. */
export const handedOverWhenCancelled: BatchWay[] = [cancelledInBoth];
