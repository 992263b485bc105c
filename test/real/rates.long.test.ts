import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { prepareSandboxKeys } from '../../dev/sandbox.js';
import { createSimulator, type Simulator } from '../../simulator/index.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';
import { testRecords } from '../support/records.js';
import { until } from '../support/until.js';

const OTHER = 'other';

let environment: RealEnvironment;
beforeAll(async () => {
  environment = await RealEnvironment.shared();
});
const simulators: Simulator[] = [];
afterAll(async () => {
  await environment.close();
  for (const simulator of simulators) await simulator.close();
});

/** A site with two programs, each with a rate and a Mastercard of its own. */
async function twoPrograms(name: string, rates: { demo: number; other: number }) {
  const site = await environment.site(name, { otherPrograms: [OTHER] });
  const { credentials } = await prepareSandboxKeys(site.folder);
  const other = await createSimulator({ credentials: [credentials], processingMs: 0 });
  simulators.push(other);
  const config = JSON.parse(await readFile(site.configPath, 'utf8')) as { programs: Record<string, object> };
  Object.assign(config.programs[PROGRAM]!, { requestsPerSecond: rates.demo });
  Object.assign(config.programs[OTHER]!, { requestsPerSecond: rates.other, baseUrl: other.baseUrl });
  await writeFile(site.configPath, JSON.stringify(config));
  return { site, other };
}

function enroll(site: RealSite, program: string, count: number, prefix: string) {
  const policy = { polling: { initial: '100ms' } };
  return Promise.all(
    Array.from({ length: count }, (_, n) =>
      site.client.enroll({
        externalBatchId: `${prefix}-${n + 1}`,
        program,
        records: testRecords(1),
        policy,
      }),
    ),
  );
}

/** When calls were answered (ms). */
function times(simulator: Simulator): number[] {
  return simulator.requests().map(({ at }) => Date.parse(at));
}

/** When batches were submitted (ms). */
function submissions(simulator: Simulator): number[] {
  const submitted = simulator.requests().filter(({ operation }) => operation === 'enroll');
  return submitted.map(({ at }) => Date.parse(at));
}

function throttledCalls(simulator: Simulator): number {
  return simulator.requests().filter(({ status }) => status === 429).length;
}

test.concurrent('each program keeps its own rate over all workers', async () => {
  const [rate, batches] = [2, 12];
  const { site, other } = await twoPrograms('rates', { demo: rate, other: 50 });
  await Promise.all([site.startWorker(), site.startWorker()]);
  const started = [
    ...(await enroll(site, PROGRAM, batches, 'slow')),
    ...(await enroll(site, OTHER, batches, 'fast')),
  ];
  for (const batch of started) expect(await batch.result()).toMatchObject({ status: 'COMPLETED' });

  const slow = times(site.simulator);
  expect(slow.length).toBeGreaterThanOrEqual(2 * batches);
  // Temporal keeps a bucket of a second's calls in each of the queue's four partitions.
  const burst = 4 * Math.ceil(rate / 4);
  const atLeastMs = ((slow.length - burst) / rate) * 1_000;
  expect(slow.at(-1)! - slow[0]!).toBeGreaterThanOrEqual(atLeastMs);
  // The other one did not wait for it: its batches were all submitted while this one's still went on.
  expect(submissions(other).at(-1)).toBeLessThan(slow.at(-1)!);
});

test.concurrent(
  'a program that Mastercard has slow down makes no more calls, and another goes on',
  async () => {
    const batches = 30;
    const { site, other } = await twoPrograms('throttled', { demo: 20, other: 20 });
    const fault = { kind: 'status', status: 429, retryAfter: 3_600 } as const;
    site.simulator.fault({ operation: 'any', times: 1_000, fault });
    const worker = await site.startWorker();
    const [held, going] = [
      await enroll(site, PROGRAM, batches, 'held'),
      await enroll(site, OTHER, batches, 'going'),
    ];
    for (const batch of going) expect(await batch.result()).toMatchObject({ status: 'COMPLETED' });

    await until(async () => {
      const progress = await Promise.all(held.map((batch) => batch.progress()));
      return progress.every(({ submission }) => submission?.nextAttemptAt !== undefined);
    });
    // One, and those that were on their way when it was answered.
    expect(throttledCalls(site.simulator)).toBeLessThanOrEqual(5);
    expect(site.simulator.requests()).toHaveLength(throttledCalls(site.simulator));
    expect(throttledCalls(other)).toBe(0);
    const nextAttempts = await Promise.all(
      held.map(async (batch) => (await batch.progress()).submission?.nextAttemptAt),
    );
    expect(new Set(nextAttempts).size).toBeGreaterThan(batches / 2);
    const log = await readFile(worker.logFile, 'utf8');
    expect(log.match(/"program":"demo"[^\n]*Mastercard has the program slow down/)).toBeTruthy();
    expect(log).not.toMatch(/"program":"other"[^\n]*slow down/);
  },
);

test.concurrent(
  'a program goes on by itself when Mastercard takes calls again, and no batch is lost or doubled',
  async () => {
    const batches = 15;
    const { site } = await twoPrograms('recovers', { demo: 20, other: 20 });
    const fault = { kind: 'status', status: 429, retryAfter: 1 } as const;
    site.simulator.fault({ operation: 'any', times: 3, fault });
    await site.startWorker();
    for (const batch of await enroll(site, PROGRAM, batches, 'recovers')) {
      expect(await batch.result()).toMatchObject({ status: 'COMPLETED' });
    }
    expect(throttledCalls(site.simulator)).toBe(3);
    expect(site.simulator.accepted()).toHaveLength(batches);
  },
);
