import { ServiceError } from '@temporalio/client';
import { beforeEach, expect, test, vi } from 'vitest';
import { ExitCode, worstOf } from '../../cli/exit-codes.js';
import { watchAll } from '../../cli/watching.js';
import { EnrollmentBatch } from '../../client/enrollment-batch.js';

const { events } = vi.hoisted(() => ({ events: [] as string[] }));
vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number) => {
    events.push(`pause of ${ms} ms`);
    return Promise.resolve();
  },
}));

const counts = { cards: 1, pending: 1, enrolled: 0, failed: 0, invalid: 0, rolledBack: 0, unreported: 0 };

/** A batch that is closed when it has been asked so often. */
function batch(externalBatchId: string, closedAfter: number): EnrollmentBatch {
  const key = { program: 'demo', externalBatchId };
  let asked = 0;
  return Object.assign(Object.create(EnrollmentBatch.prototype) as EnrollmentBatch, {
    key,
    progress: () => {
      events.push(externalBatchId);
      asked += 1;
      const status = asked < closedAfter ? 'PROCESSING' : 'COMPLETED';
      return Promise.resolve({ ...key, status, counts, batchIds: [], reasons: [] });
    },
    execution: () => Promise.resolve('RUNNING' as const),
    closed: () => Promise.resolve(undefined),
  });
}

beforeEach(() => {
  events.length = 0;
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});

test('two hundred batches are asked in turn, ten a second', async () => {
  const ids = Array.from({ length: 200 }, (_, n) => `batch-${n}`);
  const watched = await watchAll(ids.map((id) => batch(id, 3)));
  const seconds = events
    .join()
    .split('pause of 1000 ms')
    .map((second) => second.split(',').filter(Boolean));
  expect(seconds).toHaveLength(60);
  expect(seconds.every((asked) => asked.length === 10)).toBe(true);
  expect(seconds.flat()).toEqual([...ids, ...ids, ...ids]);
  expect(watched.map(({ progress }) => progress.externalBatchId)).toEqual(ids);
});

test.each(['PAUSED', 'CONTINUED_AS_NEW', 'UNKNOWN'] as const)(
  'a batch whose workflow is %s is followed on',
  async (status) => {
    const one = batch('one', 3);
    vi.spyOn(one, 'execution').mockResolvedValueOnce(status);
    const [watched] = await watchAll([one]);
    expect(watched).toEqual({ progress: expect.objectContaining({ status: 'COMPLETED' }) as unknown });
  },
);

test('an outage of Temporal does not end the watching, neither of a batch nor of its workflow', async () => {
  // As grpc-js makes it.
  const cause = Object.assign(new Error('away'), { code: 14, details: 'away', metadata: {} });
  const away = new ServiceError('Failed to query', { cause });
  const one = batch('one', 2);
  vi.spyOn(one, 'progress').mockRejectedValueOnce(away);
  vi.spyOn(one, 'execution').mockRejectedValueOnce(away);
  const watched = await watchAll([one, batch('other', 1)]);
  expect(watched.map(({ progress }) => progress.status)).toEqual(['COMPLETED', 'COMPLETED']);
  expect(events.filter((event) => event === 'pause of 2000 ms')).toHaveLength(2);
});

test.each([
  { codes: [], worst: ExitCode.ok },
  { codes: [0, 0], worst: ExitCode.ok },
  { codes: [0, 3], worst: ExitCode.completedWithErrors },
  { codes: [3, 5, 0], worst: ExitCode.cancelled },
  { codes: [5, 4, 3], worst: ExitCode.batchFailed },
  { codes: [4, 5, 1, 3], worst: ExitCode.unexpected },
] as const)('of the exit codes $codes the worst is $worst', ({ codes, worst }) => {
  expect(worstOf(codes)).toBe(worst);
});
