import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EnrollmentClient } from '../../client/enrollment-client.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, RealEnvironment } from '../support/real-environment.js';

const FOR_EVER_MS = 24 * 3_600_000;

let environment: RealEnvironment;
beforeAll(async () => {
  environment = await RealEnvironment.start();
});
afterAll(() => environment.close());

test('a batch between polls outlives the Temporal server: killed, and restarted on its database file', async () => {
  const id = 'batch-1';
  const site = await environment.site('site', { processingMs: FOR_EVER_MS });
  const worker = await site.startWorker();
  const batch = await site.client.enroll({
    externalBatchId: id,
    program: PROGRAM,
    records: testRecords(3),
    policy: { polling: { initial: '3s', coefficient: 1 } },
  });
  const waiting = batch.result();
  // Should it fail, it may do so before it is looked at below.
  waiting.catch(() => undefined);
  const polls = () => site.simulator.requests().filter(({ operation }) => operation === 'status').length;
  await vi.waitUntil(async () => (await batch.progress()).nextPollAt !== undefined && polls() > 0, {
    timeout: 30_000,
  });

  await environment.killServer();
  const before = polls();
  site.simulator.configure({ processingMs: 0 });
  await environment.startServerAgain();

  // A caller that waited goes on waiting, and so does a client that comes only now.
  expect(await waiting).toMatchObject({ status: 'COMPLETED', counts: { cards: 3, enrolled: 3 } });
  const newcomer = await connect(environment.address, site.configPath);
  expect(await newcomer.batch(id).result()).toEqual(await waiting);
  expect(await newcomer.batch(id).execution()).toBe('COMPLETED');
  await newcomer.close();

  expect(polls()).toBeGreaterThan(before);
  expect(site.simulator.accepted()).toMatchObject([{ externalBatchId: id, offers: [{ accepted: true }] }]);
  expect(await site.blobs(id)).toEqual(['closed', 'offered-1', 'outcomes']);
  // It was the same worker throughout.
  process.kill(worker.pid, 'SIGTERM');
  expect(await worker.ended).toBe('exit code 0');
});

async function connect(address: string, configPath: string): Promise<EnrollmentClient> {
  vi.stubEnv('TEMPORAL_ADDRESS', address);
  try {
    return await EnrollmentClient.connect({ config: configPath });
  } finally {
    vi.unstubAllEnvs();
  }
}
