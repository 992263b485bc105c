import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { checkGateway } from '../../doctor/gateway.js';
import { createHttpGateway } from '../../mastercard/http-gateway.js';
import { fetchKeySet } from '../../mastercard/key-set.js';
import { accessTokens, IssuerUnavailable } from '../../protection/codec-server/access-tokens.js';
import { AUDIENCE, IdentityProvider, ISSUER } from '../support/tokens.js';
import { certificate, pem, rsaKeyPair } from './key-files.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const pair = rsaKeyPair();
let server: Server;
let url: string;
let requests = 0;

beforeAll(async () => {
  server = createServer({ key: pem(pair.privateKey, 'pkcs8'), cert: certificate(pair) }, (_, response) => {
    requests += 1;
    response.end('{"keys":[]}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  requests = 0;
  vi.spyOn(process, 'emitWarning').mockReturnValue();
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});
afterAll(() => void server.close());

const program = () => ({
  api: batchEnroll,
  baseUrl: url,
  srcClientId: '5e0d4b84-189d-4c86-822d-590602f62062',
  serviceId: 'SRC#1',
  consumerKey: 'client!key',
  signingKey: pair.privateKey,
});

test('the control: Node trusts any certificate with NODE_TLS_REJECT_UNAUTHORIZED=0', async () => {
  expect((await fetch(url)).status).toBe(200);
});

test("a call to Mastercard is not sent to a server whose certificate is nobody's, whatever the environment says", async () => {
  const gateway = createHttpGateway(program());
  await expect(
    gateway.fetchBatchStatus({ batchId: 'b', correlationId: '6f0a1c1e-8d1b-4a5e-9a43-1d7a4d0f4a11' }),
  ).rejects.toMatchObject({ problem: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  await gateway.close();
  expect(requests).toBe(0);
});

test('nor does the doctor call it', async () => {
  const config = { ...program(), signingKey: { path: '' } } as unknown as Parameters<typeof checkGateway>[1];
  const [, gateway] = await checkGateway('demo', config, pair.privateKey);
  expect(gateway.status).toBe('failed');
  expect(requests).toBe(0);
});

test('nor is a key set fetched from it', async () => {
  await expect(fetchKeySet(url)).rejects.toThrow('the keys cannot be fetched (DEPTH_ZERO_SELF_SIGNED_CERT)');
  expect(requests).toBe(0);
});

test('nor are the keys of an identity provider taken from it', async () => {
  const provider = await IdentityProvider.start();
  const authenticate = accessTokens({ key: { jwksUrl: url }, issuer: ISSUER, audience: AUDIENCE });
  await expect(authenticate(`Bearer ${await provider.token()}`)).rejects.toThrow(IssuerUnavailable);
  provider.close();
  expect(requests).toBe(0);
});
