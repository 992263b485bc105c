import { msToTs } from '@temporalio/common/lib/time.js';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Brake } from '../../mastercard/brake.js';
import { shareRates } from '../../worker/rate-shares.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const RATE = 10;

/** A Temporal server that lists these workers, with how many seconds ago each polled; or answers nothing. */
class FakeServer {
  polledAgo: Record<string, number> | undefined = {};
  readonly asked: unknown[] = [];

  readonly workflowService = {
    describeTaskQueue: (request: unknown) => {
      this.asked.push(request);
      if (!this.polledAgo) return Promise.reject(new Error('unavailable'));
      const pollers = Object.entries(this.polledAgo).map(([identity, ago]) => {
        return { identity, lastAccessTime: msToTs(Date.now() - ago * 1_000) };
      });
      return Promise.resolve({ pollers });
    },
  };
}

async function sharing(server: FakeServer, ...programs: string[]) {
  const warn = vi.fn();
  const brakes = new Map(programs.map((program) => [program, new Brake({ requestsPerSecond: RATE })]));
  const stop = await shareRates({
    connection: server as never,
    namespace: 'bank',
    taskQueue: 'c2p',
    brakes,
    identity: '1@here',
    logger: { warn },
  });
  return { stop, warn, rate: (program: string) => brakes.get(program)!.requestsPerSecond };
}

test('A worker alone has the whole rate of each program, also before Temporal lists it', async () => {
  const server = new FakeServer();
  const { rate } = await sharing(server, 'gold', 'silver');
  expect(server.asked).toMatchObject([
    { namespace: 'bank', taskQueue: { name: 'c2p-gold' }, taskQueueType: 2 },
    { namespace: 'bank', taskQueue: { name: 'c2p-silver' }, taskQueueType: 2 },
  ]);
  expect([rate('gold'), rate('silver')]).toEqual([RATE, RATE]);
});

test('The rate is shared among those that polled within 70 seconds, and again whenever that changes', async () => {
  const server = new FakeServer();
  server.polledAgo = { '1@here': 0, '2@there': 60, '3@there': 1, '4@gone': 80 };
  const { rate, stop } = await sharing(server, 'gold');
  expect(rate('gold')).toBeCloseTo((RATE * 1.1) / 3);

  server.polledAgo = { '1@here': 0, '2@there': 75, '3@there': 75 };
  await vi.advanceTimersByTimeAsync(10_000);
  expect(rate('gold')).toBe(RATE);

  stop();
  server.polledAgo = { '2@there': 0 };
  await vi.advanceTimersByTimeAsync(60_000);
  expect(rate('gold')).toBe(RATE);
});

test('The last count stands while Temporal does not answer, and the log says so once', async () => {
  const server = new FakeServer();
  server.polledAgo = { '1@here': 0, '2@there': 0 };
  const { rate, warn } = await sharing(server, 'gold');
  server.polledAgo = undefined;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(rate('gold')).toBeCloseTo((RATE * 1.1) / 2);
  expect(warn).toHaveBeenCalledOnce();

  server.polledAgo = {};
  await vi.advanceTimersByTimeAsync(10_000);
  expect(rate('gold')).toBe(RATE);
});
