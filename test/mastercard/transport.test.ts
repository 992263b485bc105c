import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import { createHttpGateway } from '../../mastercard/http-gateway.js';
import type { CompactJwe } from '../../mastercard/jwe.js';
import { fetchKeySet } from '../../mastercard/key-set.js';
import { MAX_ANSWER_BYTES } from '../../mastercard/signed-call.js';
import { accessTokens } from '../../protection/codec-server/access-tokens.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import { AUDIENCE, IdentityProvider, ISSUER } from '../support/tokens.js';
import { rsaKeyPair } from './key-files.js';

const CORRELATION_ID = '6f0a1c1e-8d1b-4a5e-9a43-1d7a4d0f4a11';
const signingKey = rsaKeyPair().privateKey;

let server: Server | undefined;
let proxy: ConnectProxy | undefined;
afterEach(async () => {
  vi.unstubAllEnvs();
  server?.close();
  await proxy?.close();
  server = proxy = undefined;
});

/** What a server got to know of each request. */
const asked: (string | string[] | undefined)[] = [];

async function serve(status: number, coding: string, body: Buffer | string): Promise<string> {
  asked.length = 0;
  server = createServer((request, response) => {
    asked.push(request.headers['accept-encoding']);
    response.writeHead(status, coding ? { 'content-encoding': coding } : {}).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function submit(baseUrl: string): Promise<unknown> {
  const gateway = createHttpGateway({
    api: batchEnroll,
    baseUrl,
    srcClientId: '5e0d4b84-189d-4c86-822d-590602f62062',
    serviceId: 'SRC',
    consumerKey: 'clientId!keyId',
    signingKey,
  });
  const enrollmentData = 'e30.AA.AA.AA.AA' as CompactJwe;
  try {
    return await gateway.submitBatch({
      externalBatchId: 'b-1',
      enrollmentData,
      correlationId: CORRELATION_ID,
    });
  } catch (error) {
    return error;
  } finally {
    await gateway.close();
  }
}

describe("an answer of Mastercard's", () => {
  const accepted = JSON.stringify({ batchId: 'mc-1', externalBatchId: 'b-1' });

  test.each<[string, Buffer | string]>([
    ['', `\uFEFF${accepted}`],
    ['gzip', gzipSync(accepted)],
    ['br', brotliCompressSync(`\uFEFF${accepted}`)],
  ])(
    'is not asked to be compressed, and is read where it is %j, and behind a byte order mark',
    async (coding, body) => {
      expect(await submit(await serve(202, coding, body))).toMatchObject({ batchId: 'mc-1' });
      expect(asked).toEqual(['identity']);
    },
  );

  test('that is compressed is also read where it is an error', async () => {
    const body = gzipSync(JSON.stringify({ status: 400, reason: 'INVALID_ARGUMENT', errordetail: [] }));
    expect(await submit(await serve(400, 'gzip', body))).toMatchObject({
      kind: 'refused',
      reason: 'INVALID_ARGUMENT',
    });
  });

  test.each<[string, string, Buffer | string]>([
    ['coded in a way that is not known', 'zstd', accepted],
    ['damaged', 'gzip', accepted],
    [
      'larger than is read, once it is decompressed',
      'gzip',
      gzipSync(accepted + ' '.repeat(MAX_ANSWER_BYTES)),
    ],
  ])(
    'that is %s is one that cannot be read: whether the batch is there is unknown',
    async (_, coding, body) => {
      expect(await submit(await serve(202, coding, body))).toMatchObject({ kind: 'unknown' });
    },
  );
});

describe('a proxy that makes no connection', () => {
  test.each<[string, NonNullable<ConnectProxy['instead']>]>([
    ['PROXY_407', (_, socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')],
    ['PROXY_502', (_, socket) => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')],
    ['PROXY_UND_ERR_SOCKET', (_, socket) => socket.end()],
  ])('leaves a submission not sent: %s', async (problem, instead) => {
    proxy = await ConnectProxy.start();
    proxy.instead = instead;
    vi.stubEnv('HTTPS_PROXY', `http://user:SECRET@127.0.0.1:${proxy.port}`);
    const failure = await submit('https://api.mastercard.test');
    expect(failure).toMatchObject({ kind: 'notSent', problem });
    expect(String((failure as Error).stack)).not.toContain('SECRET');
    expect(proxy.asked).toEqual(['api.mastercard.test:443']);
  });

  test('but says so, and breaks off before TLS is there, leaves it not sent either', async () => {
    proxy = await ConnectProxy.start();
    proxy.instead = (_, socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n');
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    expect(await submit('https://api.mastercard.test')).toMatchObject({
      kind: 'notSent',
      problem: 'ECONNRESET',
    });
  });

  test('is one for a key set, too', async () => {
    vi.stubEnv('HTTPS_PROXY', 'http://user:SECRET@127.0.0.1:9');
    await expect(fetchKeySet('https://src.mastercard.test/keys')).rejects.toThrow(
      'https://src.mastercard.test/keys: the keys cannot be fetched (PROXY_ECONNREFUSED)',
    );
  });

  test('is one for the keys of an identity provider', async () => {
    proxy = await ConnectProxy.start();
    vi.stubEnv('https_proxy', proxy.url);
    const provider = await IdentityProvider.start();
    const key = { jwksUrl: 'https://login.bank.test/keys' };
    const authenticate = accessTokens({ key, issuer: ISSUER, audience: AUDIENCE });
    await expect(authenticate(`Bearer ${await provider.token()}`)).rejects.toMatchObject({
      code: 'ISSUER_UNAVAILABLE',
    });
    provider.close();
    expect(proxy.asked).toEqual(['login.bank.test:443']);
  });
});

test('a proxy that cannot be one is refused before anything is called', async () => {
  vi.stubEnv('HTTPS_PROXY', 'socks5://user:SECRET@proxy:1080');
  const gateway = () =>
    createHttpGateway({
      api: batchEnroll,
      baseUrl: 'https://api.mastercard.test',
      srcClientId: 's',
      serviceId: 's',
      consumerKey: 'c!k',
      signingKey,
    });
  expect(gateway).toThrow('HTTPS_PROXY names a proxy that is not spoken to over HTTP');
  const tokens = () => accessTokens({ key: { jwksUrl: 'https://a.test' }, issuer: 'i', audience: 'a' });
  expect(tokens).toThrow('HTTPS_PROXY');
  await expect(fetchKeySet('https://src.mastercard.test/keys')).rejects.toMatchObject({
    code: 'PROXY_URL_INVALID',
  });
});

test('a key set that is compressed, behind a byte order mark, is read', async () => {
  const url = await serve(200, 'gzip', gzipSync('\uFEFF{"keys":[{"kty":"RSA"}]}'));
  expect(await fetchKeySet(url)).toEqual([{ kty: 'RSA' }]);
  expect(asked).toEqual(['identity']);
});
