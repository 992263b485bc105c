import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { C2pConfig, TlsConfig } from '../../config/config.js';
import { loadConfig } from '../../config/load.js';
import { writeSandboxConfig } from '../../dev/sandbox.js';
import { checkGateway } from '../../doctor/gateway.js';
import { checkProgramTls } from '../../doctor/program-tls.js';
import { examine, type Finding } from '../../doctor/index.js';
import { loadProgramTls } from '../../mastercard/keys.js';
import { authority, certificate, KeyFolder, pem, rsaKeyPair } from '../mastercard/key-files.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import { sandboxKeysIn } from '../support/sandbox-keys.js';

const HOST = 'api.mastercard.test';
const NOW = new Date('2026-11-24T12:00:00Z');
const pair = rsaKeyPair();
const bank = rsaKeyPair();
const key = pem(pair.privateKey, 'pkcs8');
const files = new KeyFolder();
const ca = files.write('bank.pem', authority(bank));
const identity = {
  certificate: files.write('client.pem', certificate(pair, { issuer: bank })),
  key: files.write('client.key', key),
};

let folder: string;
let config: C2pConfig;
let mastercard: Server;
let baseUrl: string;
let proxy: ConnectProxy;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-doctor-'));
  const keys = await sandboxKeysIn(folder);
  config = await loadConfig((await writeSandboxConfig(keys, { baseUrl: 'https://a.test' })).configPath);
  const cert = certificate(pair, { issuer: bank, hosts: [HOST] });
  const tls = { key, cert, ca: authority(bank), requestCert: true };
  // As it answers what does not exist.
  mastercard = createServer(tls, (_, response) => {
    response.writeHead(404, { 'content-encoding': 'gzip' });
    response.end(gzipSync('\uFEFF{"status":404,"reason":"NOT_FOUND"}'));
  }).listen(0, '127.0.0.1');
  await once(mastercard, 'listening');
  baseUrl = `https://${HOST}:${(mastercard.address() as AddressInfo).port}`;
});
beforeEach(async () => {
  proxy = await ConnectProxy.start();
  vi.stubEnv('HTTPS_PROXY', proxy.url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await proxy.close();
});
afterAll(async () => {
  mastercard.close();
  files.remove();
  await rm(folder, { recursive: true, force: true });
});

describe('the way to Mastercard', () => {
  const ask = async (source: TlsConfig) => {
    const program = { ...config.programs['demo']!, baseUrl };
    return (await checkGateway('demo', program, pair.privateKey, await loadProgramTls(source, {})))[1];
  };

  test('is named with its proxy, and well with an authority of the own house and a client certificate', async () => {
    expect(await ask({ ca, identity })).toMatchObject({
      status: 'ok',
      found: expect.stringContaining(
        `${baseUrl}, by the proxy 127.0.0.1:${proxy.port} (HTTPS_PROXY), knows the keys and ids`,
      ) as string,
    });
    expect(proxy.asked).toEqual([new URL(baseUrl).host]);
  });

  test('is no way without the one or the other, and the advice names tls', async () => {
    expect(await ask({ identity })).toMatchObject({
      status: 'failed',
      todo: expect.stringContaining('tls.ca') as string,
    });
    expect(await ask({ ca })).toMatchObject({
      status: 'failed',
      todo: expect.stringContaining('tls.certificate') as string,
    });
  });

  test.each([
    ['407 Proxy Authentication Required', 'a user and a password'],
    ['403 Forbidden', 'have it allow CONNECT'],
    ['502 Bad Gateway', 'NO_PROXY'],
  ])('that the proxy answers with %s says what to do', async (status, todo) => {
    proxy.instead = (_, socket) => socket.end(`HTTP/1.1 ${status}\r\n\r\n`);
    vi.stubEnv('HTTPS_PROXY', `http://user:SECRET@127.0.0.1:${proxy.port}`);
    const finding = await ask({ ca, identity });
    expect(finding).toMatchObject({ status: 'failed', todo: expect.stringContaining(todo) as string });
    expect(finding.found).toContain(`PROXY_${status.slice(0, 3)}`);
    expect(JSON.stringify(finding)).not.toContain('SECRET');
  });
});

describe('a client certificate', () => {
  const check = async (source: TlsConfig, env = {}) =>
    (await checkProgramTls('demo', source, env, NOW)).findings;

  test.each([
    ['failed', 'expired on 2026-11-23', new Date('2026-11-23T12:00:00Z')],
    ['warning', 'expires on 2026-12-24, in 29 days', new Date('2026-12-24T11:59:59Z')],
    ['ok', 'valid until 2026-12-24', new Date('2026-12-24T12:00:00Z')],
  ])('%s when it %s', async (status, found, to) => {
    const dated = { ...identity, certificate: files.write('dated.pem', certificate(pair, { to })) };
    expect(await check({ identity: dated })).toMatchObject([
      { check: 'tls-certificate', program: 'demo', status, found },
    ]);
  });

  test('of another key fails, and where there is none, nothing is said', async () => {
    const other = { ...identity, certificate: ca };
    expect(await check({ identity: other })).toMatchObject([{ check: 'tls-certificate', status: 'failed' }]);
    expect(await check({ ca })).toEqual([]);
  });
});

describe('everything', () => {
  const findings = async (changes: Partial<C2pConfig['programs'][string]>, offline: boolean) => {
    const demo = { ...config.programs['demo']!, ...changes };
    const found: Finding[] = [];
    const examined = examine({ config: { ...config, programs: { demo } }, programs: ['demo'], offline });
    for await (const finding of examined) found.push(finding);
    return found;
  };

  test('behind the network is skipped with a proxy that cannot be one, which is shown without its password', async () => {
    vi.stubEnv('HTTPS_PROXY', 'http://user:12/SECRET@proxy.bank.example:3128');
    const encryptionKey = { jwksUrl: 'https://src.mastercard.test/keys' };
    const found = await findings({ encryptionKey }, false);
    expect(found[0]).toMatchObject({
      check: 'proxy',
      status: 'failed',
      found: expect.stringContaining('HTTPS_PROXY has more than a host and a port') as string,
      todo: expect.stringContaining('http://HOST:PORT') as string,
    });
    const skipped = found.filter(({ status }) => status === 'skipped').map(({ check }) => check);
    expect(skipped).toEqual(expect.arrayContaining(['encryption-key', 'temporal', 'clock', 'gateway']));
    expect(JSON.stringify(found)).not.toContain('SECRET');
  });

  test('that tls names is among the files, and one that others can read is not used', async () => {
    const exposed = { ...identity, key: files.write('exposed.key', key) };
    const found = await findings({ tls: { ca, identity: exposed } }, true);
    const ofTls = found.filter(({ found }) => found.includes('tls.'));
    expect(ofTls).toMatchObject([
      { check: 'key-file', status: 'ok', found: expect.stringContaining('tls.ca') as string },
      { check: 'key-file', status: 'ok', found: expect.stringContaining('tls.certificate') as string },
      { check: 'key-file', status: 'failed', found: expect.stringContaining('tls.key') as string },
    ]);
    expect(found).toContainEqual({
      check: 'tls-certificate',
      program: 'demo',
      status: 'skipped',
      found: 'a file of tls is refused',
    });
  });
});
