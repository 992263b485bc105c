import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import { accepting, all, failedBatch, half, notFound, processing, twoRounds } from './answers.js';
import type { BatchWay } from './batch-way.js';
import { BY, passingUntil } from './scenario.js';

const HOURLY = { initial: '1h', maximum: '1h', deadline: '2h', jitter: 0 } as const;
const LATE = { polling: HOURLY, onPollingDeadline: 'askOperator' } as const;

/** Whether the batch waits for its next poll, after so many. */
export async function hasPolled(batch: EnrollmentBatch, polls: number): Promise<boolean> {
  const { polling, nextPollAt } = await batch.progress();
  return (polling?.polls ?? 0) >= polls && nextPollAt !== undefined;
}

export async function asksForMoreTime(batch: EnrollmentBatch): Promise<boolean> {
  return (await batch.progress()).question === 'moreTime';
}

const moreTime: BatchWay = {
  name: 'completed-with-more-time',
  ends: 'COMPLETED',
  policy: LATE,
  mastercard: (id) => ({ status: [processing(id), processing(id), processing(id), all(id)] }),
  async act(batch, { rig }) {
    await passingUntil(rig, () => asksForMoreTime(batch), '1h');
    await batch.extendDeadline({ until: new Date((await rig.env.currentTimeMs()) + 86_400_000) }, BY);
  },
};

/** From where Mastercard has the batch to its answer. */
export const pollingWays: BatchWay[] = [
  moreTime,
  {
    name: 'completed-with-another-policy',
    ends: 'COMPLETED',
    policy: { polling: { initial: '1d', maximum: '1d', deadline: '3d' } },
    mastercard: (id) => ({ status: [processing(id), all(id)] }),
    async act(batch, { rig }) {
      await passingUntil(rig, () => hasPolled(batch, 0), '1s');
      await batch.updatePolicy({ polling: { initial: '10m', maximum: '10m' }, onCancel: 'leave' }, BY);
    },
  },
  {
    name: 'completed-after-a-batch-id-of-another-batch',
    ends: 'COMPLETED',
    mastercard: (id) => ({
      status: [({ batchId }) => (batchId === 'mc-9' ? all(id) : processing('another'))],
    }),
    async act(batch, { rig }) {
      await passingUntil(rig, async () => (await batch.progress()).question === 'batchId');
      await batch.resolve({ batchId: 'mc-9' }, BY);
    },
  },
  {
    name: 'failed',
    ends: 'FAILED',
    failure: 'BatchFailed',
    mastercard: (id) => ({ status: [failedBatch(id)] }),
  },
  {
    name: 'failed-batch-not-found',
    ends: 'FAILED',
    failure: 'BatchFailed',
    mastercard: () => ({ status: [notFound] }),
  },
  {
    name: 'expired',
    ends: 'EXPIRED',
    failure: 'PollingDeadlineExceeded',
    policy: { polling: HOURLY },
    mastercard: (id) => ({ status: [processing(id)] }),
  },
  {
    name: 'expired-by-an-operator',
    ends: 'EXPIRED',
    failure: 'PollingDeadlineExceeded',
    policy: LATE,
    mastercard: (id) => ({ status: [processing(id)] }),
    async act(batch, { rig }) {
      await passingUntil(rig, () => asksForMoreTime(batch), '1h');
      await batch.pollNow(BY);
      await passingUntil(rig, async () => {
        const { polling, question } = await batch.progress();
        return polling?.polls === 3 && question === 'moreTime';
      });
      await batch.extendDeadline({ abandon: true }, BY);
    },
  },
  {
    name: 'expired-in-the-second-round-and-rolled-back',
    ends: 'EXPIRED',
    failure: 'PollingDeadlineExceeded',
    policy: {
      polling: HOURLY,
      retryFailedRecords: { maxRounds: 2, delay: '1h' },
      onPartialFailure: 'rollback',
    },
    mastercard: () => ({ submit: [accepting], status: [twoRounds(processing)] }),
    async act(batch, { rig }) {
      await passingUntil(rig, () => asksForMoreTime(batch), '1h');
      await batch.extendDeadline({ abandon: true }, BY);
    },
  },
  {
    name: 'rolled-back',
    ends: 'ROLLED_BACK',
    policy: { onPartialFailure: 'rollback' },
    mastercard: (id) => ({ status: [half(id)] }),
  },
];

export const handedOverWhilePolling: BatchWay[] = [moreTime];
