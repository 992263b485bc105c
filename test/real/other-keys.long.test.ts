import { readFile, writeFile } from 'node:fs/promises';
import { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../config/load.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import type { KeyRingJson } from '../../protection/key-ring-json.js';
import { isEncrypted } from '../../protection/payload-codec.js';
import { payloadsOf } from '../../protection/payloads-of.js';
import { testRingJson } from '../support/key-rings.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';
import type { RealWorker } from '../support/real-worker.js';
import { testRecords } from '../support/records.js';
import { until } from '../support/until.js';

const QUICK = { polling: { initial: '1s', maximum: '1s' } } as const;

let environment: RealEnvironment;
beforeAll(async () => void (environment = await RealEnvironment.shared()));
afterAll(() => environment.close());

function historyOf(externalBatchId: string) {
  const { connection, namespace } = environment;
  const stranger = new Client({ connection, namespace });
  return stranger.workflow.getHandle(workflowIdOf({ program: PROGRAM, externalBatchId })).fetchHistory();
}

test.concurrent(
  'where the codec is switched off, everything is in clear, and the worker warns of it',
  async () => {
    const site = await environment.site('switched');
    const config = JSON.parse(await readFile(site.configPath, 'utf8')) as object;
    await writeFile(site.configPath, JSON.stringify({ ...config, codec: false }));
    const worker = await site.startWorker();
    expect(await readFile(worker.logFile, 'utf8')).toMatch(
      /"level":"warn".*codec is false: anyone who can read/,
    );
    const externalBatchId = 'switched';
    const order = { externalBatchId, program: PROGRAM, records: testRecords(1), policy: QUICK };
    const batch = await (await site.clientNow()).enroll(order);
    expect(await batch.result()).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 1 } });
    expect(payloadsOf(await historyOf(externalBatchId)).some(isEncrypted)).toBe(false);
  },
);

test.concurrent(
  'a worker that lacks the key fails no batch: it stands still, and goes on when the key is there again',
  async () => {
    const site = await environment.site('keyless', { processingMs: 3_600_000 });
    const externalBatchId = 'keyless';
    const worker = await site.startWorker();
    const batch = await site.client.enroll({
      externalBatchId,
      program: PROGRAM,
      records: testRecords(1),
      policy: QUICK,
    });
    await polledBy(site, externalBatchId);
    await stopped(worker);

    const ring = await loseKey(site);
    const keyless = await site.startWorker();
    await until(async () =>
      ((await historyOf(externalBatchId)).events ?? []).some(
        (event) => event.workflowTaskFailedEventAttributes,
      ),
    );
    const missing =
      /cannot decrypt a payload of Temporal \(key 'k1-\w+'\): the key ring has no such key: add it again/;
    await until(async () => missing.test(await readFile(keyless.logFile, 'utf8')));
    await stopped(keyless);

    await replaceRing(site, () => ring);
    await site.startWorker();
    site.simulator.configure({ processingMs: 0 });
    expect(await batch.result()).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 1 } });
  },
);

test.concurrent('a closed batch whose key is gone is listed and looked at all the same', async () => {
  const site = await environment.site('forgotten');
  await site.startWorker();
  const externalBatchId = 'forgotten';
  const batch = await site.client.enroll({ externalBatchId, program: PROGRAM, records: testRecords(1) });
  await batch.result();
  const { current } = await loseKey(site);

  const client = await site.clientNow();
  await until(async () => {
    for await (const summary of client.list()) if (summary.externalBatchId === externalBatchId) return true;
    return false;
  });
  expect(await client.batch(externalBatchId).execution()).toBe('COMPLETED');
  await expect(client.batch(externalBatchId).memo()).rejects.toMatchObject({
    code: 'PAYLOAD_UNREADABLE',
    keyId: current,
  });
});

/** Asks a worker to stop; so Temporal gives its batches to the next worker at once, not after a time limit. */
async function stopped(worker: RealWorker): Promise<void> {
  process.kill(worker.pid, 'SIGTERM');
  await worker.ended;
}

/** Puts another key ring in the place of the site's. Returns the one that was there. */
async function replaceRing(
  { configPath }: RealSite,
  ring: (before: KeyRingJson) => KeyRingJson,
): Promise<KeyRingJson> {
  const { path } = (await loadConfig(configPath)).dataKeys as { path: string };
  const before = JSON.parse(await readFile(path, 'utf8')) as KeyRingJson;
  await writeFile(path, JSON.stringify(ring(before)));
  return before;
}

/** Another key is in the place of the site's one. Returns the ring that was there. */
async function loseKey(site: RealSite): Promise<KeyRingJson> {
  const { current, keys } = testRingJson(2);
  return replaceRing(site, ({ secret }) => ({ current, keys, secret }));
}

/** Resolves when the batch was polled twice more. */
async function polledBy(site: RealSite, externalBatchId: string): Promise<void> {
  const polls = async () => (await site.client.batch(externalBatchId).progress()).polling?.polls ?? 0;
  const before = await polls();
  await until(async () => (await polls()) >= before + 2);
}
