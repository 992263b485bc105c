import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { connect as connectTo, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { EnrollmentClient } from '../../client/enrollment-client.js';
import { loadTemporalConfig } from '../../config/temporal.js';
import { checkTemporal } from '../../doctor/temporal.js';
import { authority, certificate, KeyFolder, pem, rsaKeyPair } from '../mastercard/key-files.js';
import { c2p } from '../cli/command-line.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import { PROGRAM, RealEnvironment } from '../support/real-environment.js';
import { startRealWorker } from '../support/real-worker.js';
import { testRecords } from '../support/records.js';

const PASSWORD = 'p@ss/SECRET';
const ESCAPED = 'p%40ss%2FSECRET';

let environment: RealEnvironment;
/** Temporal by a name that nobody but the proxy knows. */
let address: string;
let proxy: ConnectProxy;
beforeAll(async () => {
  environment = await RealEnvironment.shared();
  address = environment.address.replace(/^.*:/, 'temporal.bank.test:');
});
beforeEach(async () => {
  proxy = await ConnectProxy.start({
    authorization: `Basic ${Buffer.from(`user:${PASSWORD}`).toString('base64')}`,
  });
  vi.stubEnv('TEMPORAL_ADDRESS', address);
  vi.stubEnv('TEMPORAL_NAMESPACE', environment.namespace);
  vi.stubEnv('HTTPS_PROXY', url());
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await proxy.close();
});
afterAll(() => environment.close());

function url(password = ESCAPED): string {
  return `http://user:${password}@127.0.0.1:${proxy.port}`;
}

test('a worker and a client enroll a batch by a proxy with a user and a password, which stands nowhere', async () => {
  const site = await environment.site('proxied');
  const { folder, configPath } = site;
  const { namespace: temporalNamespace } = environment;
  const place = { folder, configPath, temporalAddress: address, temporalNamespace };
  const worker = await startRealWorker({ ...place, env: { HTTPS_PROXY: url() } });
  const byWorker = proxy.asked.length;
  expect(byWorker).toBeGreaterThan(0);

  const client = await EnrollmentClient.connect({ config: configPath });
  expect(proxy.asked.length).toBeGreaterThan(byWorker);
  const batch = await client.enroll({
    externalBatchId: 'proxied-1',
    program: PROGRAM,
    records: testRecords(3),
  });
  expect(await batch.result()).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 3 } });
  await client.close();
  expect(new Set(proxy.asked)).toEqual(new Set([address]));

  process.kill(worker.pid, 'SIGTERM');
  expect(await worker.ended).toBe('exit code 0');
  expect(await readFile(worker.logFile, 'utf8')).not.toMatch(/SECRET/);
});

describe('clients and workers alike', () => {
  const connect = {
    client: async () => {
      const { finding, place } = await checkTemporal();
      await place?.connection.close();
      return finding;
    },
    worker: async () => {
      const connection = await NativeConnection.connect(loadTemporalConfig().worker);
      await connection.close();
    },
  };

  test.each<NodeJS.ProcessEnv>([
    { https_proxy: 'SET', HTTPS_PROXY: 'http://127.0.0.1:9' },
    { HTTPS_PROXY: '', HTTP_PROXY: 'SET' },
    { HTTPS_PROXY: '', http_proxy: 'SET' },
  ])('go by the proxy of %j', async (env) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value!.replace('SET', url()));
    for (const [who, work] of Object.entries(connect)) {
      const before = proxy.asked.length;
      await work();
      expect([who, proxy.asked.slice(before)[0]]).toEqual([who, address]);
    }
  });

  test('verify the certificate of a Temporal that speaks TLS, by its own name', async () => {
    const pair = rsaKeyPair();
    const tls = { ALPNProtocols: ['h2'], key: pem(pair.privateKey, 'pkcs8') };
    const cert = certificate(pair, { issuer: pair, hosts: ['temporal.bank.test'] });
    const port = Number(environment.address.split(':').pop());
    const server = createServer({ ...tls, cert }, (socket) => {
      const target = connectTo(port, '127.0.0.1');
      for (const end of [socket, target]) end.on('error', () => target.destroy());
      socket.pipe(target).pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const secured = `temporal.bank.test:${(server.address() as AddressInfo).port}`;
    const keys = new KeyFolder();
    vi.stubEnv('TEMPORAL_ADDRESS', secured);
    vi.stubEnv('TEMPORAL_TLS', 'true');
    vi.stubEnv('TEMPORAL_TLS_SERVER_CA_CERT_PATH', keys.write('ca.pem', authority(pair)));
    expect(await connect.client()).toMatchObject({ status: 'ok' });
    await connect.worker();
    expect(new Set(proxy.asked)).toEqual(new Set([secured]));
    server.close();
    keys.remove();
  });

  test('ask no proxy for this machine, whatever gRPC would do', async () => {
    vi.stubEnv('TEMPORAL_ADDRESS', environment.address);
    vi.stubEnv('https_proxy', 'http://127.0.0.1:9');
    vi.stubEnv('grpc_proxy', 'http://127.0.0.1:9');
    expect(await connect.client()).toMatchObject({ status: 'ok' });
    await connect.worker();
    expect(proxy.asked).toEqual([]);
  });

  test.each([
    ['socks5://127.0.0.1:1080', 'SOCKS'],
    ['https://user:SECRET@127.0.0.1:3128', 'spoken to over TLS'],
    ['http://user:12/SECRET@127.0.0.1:3128', 'percent-encode'],
  ])('refuse %s before anything connects', async (written, says) => {
    vi.stubEnv('HTTPS_PROXY', written);
    expect(loadTemporalConfig).toThrow(expect.objectContaining({ code: 'PROXY_URL_INVALID' }) as Error);
    const finding = await connect.client();
    expect(finding).toMatchObject({ status: 'failed', found: expect.stringContaining(says) as string });
    expect(JSON.stringify(finding)).not.toContain('SECRET');
  });
});

test('a command with a proxy that cannot be one ends with one line, and exit code 2', async () => {
  const { env } = await environment.site('malformed');
  const { exitCode, stdout, stderr } = await c2p(['list'], {
    ...env,
    HTTPS_PROXY: 'socks5://user:SECRET@127.0.0.1:1080',
  });
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr).toBe(
    'c2p: HTTPS_PROXY names a proxy that is not spoken to over HTTP, such as SOCKS, which c2p does not support; ' +
      'set it to http://HOST:PORT, or to http://USER:PASSWORD@HOST:PORT',
  );
});

test('the doctor names the proxy that Temporal is reached by, and shows no password of it', async () => {
  const { finding, place } = await checkTemporal();
  await place!.connection.close();
  expect(finding).toMatchObject({
    status: 'ok',
    found: expect.stringContaining(
      `${address}, by the proxy 127.0.0.1:${proxy.port} (HTTPS_PROXY), answers`,
    ) as string,
  });
});

test('who is not let through by the proxy says by which one, and not with what password', async () => {
  vi.stubEnv('HTTPS_PROXY', url('SECRET'));
  const { folder, configPath } = await environment.site('refused');
  const { namespace: temporalNamespace } = environment;
  const place = { folder, configPath, temporalAddress: address, temporalNamespace };
  const by = `by the proxy 127.0.0.1:${proxy.port} (HTTPS_PROXY)`;
  const [{ finding }, client, worker] = await Promise.all([
    checkTemporal(),
    EnrollmentClient.connect({ config: configPath }).catch(String),
    startRealWorker(place).catch(String),
  ]);
  expect(finding).toMatchObject({
    status: 'failed',
    found: expect.stringContaining(`${address}, ${by}, cannot be reached`) as string,
    todo: expect.stringContaining('NO_PROXY') as string,
  });
  expect(client).toContain(`Temporal cannot be reached at ${address} ${by}`);
  expect(worker).toContain('exit code 1');
  const logs = (await readdir(folder)).filter((name) => name.endsWith('.log'));
  const log = await readFile(join(folder, logs[0]!), 'utf8');
  expect(log).toContain(`Temporal cannot be reached at ${address} ${by}`);
  expect(JSON.stringify([finding, client, log])).not.toMatch(/SECRET/);
});
