import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../dev/free-port.js';
import { SANDBOX_KEY_ALIAS, SANDBOX_KEY_PASSWORD } from '../../simulator/index.js';
import { c2pProcess } from '../cli/command-line.js';
import { certificate, pem, rsaKeyPair } from '../mastercard/key-files.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';
import { testRecords } from '../support/records.js';

const PASSWORD_VARIABLE = 'C2P_TEST_METRICS_PASSWORD';
const ENDS = new Date('2027-03-01T00:00:00Z');
const RENEWED = new Date('2029-03-01T00:00:00Z');
const [mastercard, signing, other] = [rsaKeyPair(), rsaKeyPair(), rsaKeyPair()];

let environment: RealEnvironment;
let site: RealSite;
let keySet: Server;
let port: number;

/** Two programs: `demo` with keys that fit, from a PKCS#12 file and a key set, and `doubtful` with some that do not. */
beforeAll(async () => {
  environment = await RealEnvironment.shared();
  site = await environment.site('metrics', { otherPrograms: ['doubtful'] });
  const jwk = { ...mastercard.publicKey.export({ format: 'jwk' }), use: 'enc', kid: 'enc-1' };
  keySet = createHttpServer((_request, response) => response.end(JSON.stringify({ keys: [jwk] })));
  await new Promise<void>((resolve) => keySet.listen(0, '127.0.0.1', resolve));
  const jwksUrl = `http://127.0.0.1:${(keySet.address() as AddressInfo).port}/keys`;

  const inKeys = (name: string) => join(site.folder, 'keys', name);
  const mismatched = pem(signing.privateKey, 'pkcs8') + certificate(other, { to: ENDS });
  await writeFile(inKeys('doubtful.pem'), mismatched, { mode: 0o600 });
  await writeFile(inKeys('ending.pem'), certificate(mastercard, { to: ENDS }));

  port = await freePort();
  const config = await readConfig();
  const [demo, doubtful] = [config.programs[PROGRAM]!, config.programs.doubtful!];
  const signingKey = {
    path: 'keys/signing.p12',
    alias: SANDBOX_KEY_ALIAS,
    passwordEnv: PASSWORD_VARIABLE,
  };
  Object.assign(config, {
    metrics: { port },
    programs: {
      [PROGRAM]: { ...demo, signingKey, encryptionKey: { jwksUrl, kid: 'enc-1' } },
      doubtful: {
        ...doubtful,
        signingKey: { path: 'keys/doubtful.pem' },
        encryptionKey: { path: 'keys/ending.pem', kid: '0'.repeat(64) },
      },
    },
  });
  await writeFile(site.configPath, JSON.stringify(config));
  process.env[PASSWORD_VARIABLE] = SANDBOX_KEY_PASSWORD;
});
afterAll(async () => {
  delete process.env[PASSWORD_VARIABLE];
  keySet.close();
  await environment.close();
});

async function readConfig() {
  return JSON.parse(await readFile(site.configPath, 'utf8')) as { programs: Record<string, object> };
}

async function scrape(): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}

/** Values by name and labels, as Prometheus writes them. */
async function ours(): Promise<Record<string, number>> {
  const lines = (await scrape()).split('\n').filter((line) => line.startsWith('c2p_'));
  const pairs = lines.map((line) => line.split(' ') as [name: string, value: string]);
  return Object.fromEntries(pairs.map(([name, value]) => [name, Number(value)]));
}

const seconds = (date: Date) => date.getTime() / 1_000;

test('a worker whose metrics cannot be served does not start, and says so', async () => {
  const taken = createServer().listen(port, '127.0.0.1');
  onTestFinished(() => void taken.close());
  const env = site.env;
  const { exitCode, stderr } = await c2pProcess(['worker'], env);
  expect(stderr).toMatch(/cannot be used:\n {2}metrics: .*in use/);
  expect(exitCode).toBe(2);
});

test('a worker tells what Prometheus asks for: when keys end, whether they fit, when they were read', async () => {
  const before = Math.floor(Date.now() / 1_000);
  const worker = await site.startWorker();
  const values = await ours();

  const ring = JSON.parse(await readFile(join(site.folder, 'keys', 'data-keys.json'), 'utf8')) as {
    currentSince: string;
  };
  const sandboxEnd = new Date(new Date().getFullYear() + 10, 0, 1);
  expect(values).toEqual({
    'c2p_signing_key_expiry_timestamp_seconds{program="demo"}': seconds(sandboxEnd),
    'c2p_signing_key_expiry_timestamp_seconds{program="doubtful"}': seconds(ENDS),
    'c2p_signing_key_fits_certificate{program="demo"}': 1,
    'c2p_signing_key_fits_certificate{program="doubtful"}': 0,
    'c2p_encryption_key_expiry_timestamp_seconds{program="doubtful"}': seconds(ENDS),
    'c2p_encryption_key_fits_kid{program="demo"}': 1,
    'c2p_encryption_key_fits_kid{program="doubtful"}': 0,
    'c2p_encryption_key_read_timestamp_seconds{program="demo"}': expect.any(Number) as number,
    'c2p_encryption_key_read_timestamp_seconds{program="doubtful"}': expect.any(Number) as number,
    'c2p_requests_per_second{program="demo"}': 10,
    'c2p_requests_per_second{program="doubtful"}': 10,
    c2p_data_keys: 1,
    c2p_data_keys_read_timestamp_seconds: expect.any(Number) as number,
    c2p_data_keys_current_since_timestamp_seconds: Math.floor(seconds(new Date(ring.currentSince))),
  });
  for (const [name, value] of Object.entries(values).filter(([name]) => name.includes('_read_'))) {
    expect(value, name).toBeGreaterThanOrEqual(before);
    expect(value, name).toBeLessThanOrEqual(seconds(new Date()));
  }

  const guide = await readFile('docs/operations.md', 'utf8');
  const documented = [...guide.matchAll(/^\| `(c2p_\w+)/gm)].map((match) => match[1]!);
  expect(documented.sort()).toEqual(
    [...new Set(Object.keys(values).map((name) => name.replace(/\{.*/, '')))].sort(),
  );

  const log = await readFile(worker.logFile, 'utf8');
  expect(log).toContain('the certificate of signingKey belongs to another key');
  expect(log).toContain('encryptionKey.kid is a fingerprint, and not that of the key in the file');

  // While it runs: a renewed certificate is seen without a restart.
  const renewed = certificate(mastercard, { to: RENEWED });
  await writeFile(join(site.folder, 'keys', 'ending.pem'), renewed);
  await expect
    .poll(ours, { timeout: 40_000, interval: 500 })
    .toMatchObject({ 'c2p_encryption_key_expiry_timestamp_seconds{program="doubtful"}': seconds(RENEWED) });
});

test('beside them are those of the SDK, and nothing that names a batch or a card', async () => {
  const externalBatchId = 'metrics-batch-0001';
  const records = testRecords(2);
  await site.client.enroll({ externalBatchId, program: PROGRAM, records });
  await expect.poll(scrape, { timeout: 20_000 }).toContain('temporal_activity_execution_latency');
  const text = await scrape();
  expect(text).toContain('temporal_worker_task_slots_available{');
  for (const secret of [
    externalBatchId,
    'cust-1',
    'card-100',
    ...records.map((one) => one.consumer.lastName),
  ])
    expect(text).not.toContain(secret);
  // The simulator has another key than this program's, so the batch ends soon.
  await site.workflow(externalBatchId).result();
});
