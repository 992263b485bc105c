import { connect } from 'node:net';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { pino } from 'pino';
import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { accessTokens } from '../../../protection/codec-server/access-tokens.js';
import {
  createCodecServer,
  type CodecServer,
  type CodecServerOptions,
} from '../../../protection/codec-server/codec-server.js';
import { formatPayloads, parsePayloads } from '../../../protection/codec-server/payloads-json.js';
import type { KeyRing } from '../../../protection/key-ring.js';
import { EncryptingPayloadCodec } from '../../../protection/payload-codec.js';
import { testKeyId, testRing } from '../../support/key-rings.js';
import { AUDIENCE, ISSUER, SECRET, token } from '../../support/tokens.js';

const UI = 'https://temporal.bank.example';
const codec = new EncryptingPayloadCodec(testRing(1), { encrypts: false });
const WORKFLOW = { type: 'workflow', namespace: 'default', workflowId: 'any' } as const;
const claims = { key: { secret: SECRET }, issuer: ISSUER, audience: AUDIENCE };

let server: CodecServer | undefined;
let audit: string[] = [];
afterEach(async () => {
  await server?.close();
  server = undefined;
  audit = [];
});

async function start(options: Partial<CodecServerOptions> = {}): Promise<void> {
  server = await createCodecServer({
    host: '127.0.0.1',
    port: 0,
    codec,
    authenticate: accessTokens(claims),
    origins: [UI],
    namespaces: ['default'],
    requestsPerMinute: 1_000,
    audit: pino(
      {},
      new Writable({
        write: (line: Buffer, _encoding, done) => {
          audit.push(line.toString());
          done();
        },
      }),
    ),
    ...options,
  });
}

interface Asking {
  path?: string;
  /** Absent: a token that holds. */
  authorization?: string | undefined;
  headers?: Record<string, string>;
  body?: unknown;
}

async function ask({ path = '/decode', headers = {}, body = { payloads: [] }, ...asking }: Asking = {}) {
  const authorization = 'authorization' in asking ? asking.authorization : `Bearer ${await token()}`;
  const response = await fetch(server!.url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-namespace': 'default',
      ...(authorization !== undefined && { authorization }),
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: JSON.parse(text) as unknown };
}

const NOTHING_THERE = 'there is nothing at this path';
const audited = () => audit.map((line) => JSON.parse(line) as object);

/** What the server answers to bytes, until it closes the connection. */
async function exchanged(bytes: string): Promise<string> {
  const socket = connect(Number(new URL(server!.url).port), '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

const payload = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const encryptedWith = async (keyRing: KeyRing, ...values: unknown[]) =>
  formatPayloads(await new EncryptingPayloadCodec(keyRing).encode(values.map(payload), WORKFLOW));
const encrypted = (...values: unknown[]) => encryptedWith(testRing(1), ...values);
const valuesIn = (json: unknown): unknown[] =>
  parsePayloads(json)!.map((one) => defaultPayloadConverter.fromPayload(one));

describe('the codec server', () => {
  it('decodes, in order, and leaves alone what is not encrypted', async () => {
    await start();
    const { payloads } = await encrypted({ status: 'PROCESSING' }, 'text');
    const body = { payloads: [...payloads, ...formatPayloads([payload('clear')]).payloads] };
    const { status, json, headers } = await ask({ body });
    expect(status).toBe(200);
    expect(valuesIn(json)).toEqual([{ status: 'PROCESSING' }, 'text', 'clear']);
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('masks personal data, and shows it to who has the scope for it', async () => {
    await start();
    const body = await encrypted({ consumer: { firstName: 'Ada' } });
    expect(valuesIn((await ask({ body })).json)).toEqual([{ consumer: { firstName: '[masked text]' } }]);
    const authorization = `Bearer ${await token({ claims: { scope: 'c2p:unmask' } })}`;
    expect(valuesIn((await ask({ body, authorization })).json)).toEqual([{ consumer: { firstName: 'Ada' } }]);
  });

  it('tells nothing to who has no token that holds', async () => {
    await start();
    const body = await encrypted('secret');
    for (const authorization of [undefined, 'Bearer x', `Bearer ${await token({ audience: 'another' })}`]) {
      const { status, headers, json } = await ask({ body, authorization });
      expect(status).toBe(401);
      expect(headers.get('www-authenticate')).toBe('Bearer');
      expect(Object.keys(json as object)).toEqual(['message']);
    }
  });

  it('refuses a namespace that it does not serve, and one that the token is not for', async () => {
    await start({ authenticate: accessTokens({ ...claims, permissionsClaim: 'permissions' }) });
    const authorization = `Bearer ${await token({ claims: { permissions: ['other:read'] } })}`;
    expect(await ask({ authorization, headers: { 'x-namespace': 'other' } })).toMatchObject({ status: 403 });
    expect(await ask({ authorization })).toMatchObject({ status: 403 });
    const allowed = `Bearer ${await token({ claims: { permissions: ['default:read'] } })}`;
    expect(await ask({ authorization: allowed })).toMatchObject({ status: 200 });
  });

  it('says of a request without a namespace what the temporal command needs', async () => {
    await start();
    const { status, text } = await ask({ headers: { 'x-namespace': '' } });
    expect(status).toBe(400);
    expect(text).toContain('--namespace');
  });

  it('lets pages of the configured origins ask, by CORS, and no other', async () => {
    await start();
    const preflight = (origin: string) =>
      fetch(`${server!.url}/decode`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type,x-namespace',
        },
      });
    const allowed = await preflight(UI);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(UI);
    expect(allowed.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('authorization');
    expect(allowed.headers.get('access-control-allow-credentials')).toBeNull();
    const foreign = 'https://evil.example';
    expect((await preflight(foreign)).headers.get('access-control-allow-origin')).toBeNull();

    expect((await ask({ headers: { origin: UI } })).headers.get('access-control-allow-origin')).toBe(UI);
    const refused = await ask({ headers: { origin: foreign } });
    expect(refused.status).toBe(403);
    expect(refused.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('encodes nothing, whatever the token permits', async () => {
    await start();
    const authorization = `Bearer ${await token({ claims: { scope: 'c2p:encode c2p:unmask' } })}`;
    const body = formatPayloads([payload('signal')]);
    expect(await ask({ path: '/encode', body, authorization })).toMatchObject({ status: 404 });
  });

  it.each([
    ['no JSON', '{"payloads": [5186001700009726', 400],
    ['brackets in one another', `{"payloads":${'['.repeat(200)}${']'.repeat(200)}}`, 400],
    ['no payloads', { payload: [] }, 400],
    ['an object that says it has a length', { payloads: { length: { toString: null } } }, 400],
    ['bytes that are not base64', { payloads: [{ data: 'ÿ 5186001700009726' }] }, 400],
    ['more payloads than a page ever has', { payloads: Array.from({ length: 1_001 }, () => ({})) }, 400],
    ['a body of more than Temporal takes', { payloads: [{ data: 'A'.repeat(6 * 1024 * 1024) }] }, 413],
  ])('refuses %s, and repeats none of it', async (_what, body, expected) => {
    await start();
    const { status, text } = await ask({ body });
    expect(status).toBe(expected);
    expect(text).not.toContain('5186001700009726');
    expect(text.length).toBeLessThan(200);
  });

  it('does not read the body of who has no token', async () => {
    await start();
    expect(await ask({ authorization: undefined, body: 'no JSON' })).toMatchObject({ status: 401 });
  });

  it('says which key is missing, and that a payload was altered, in place of any of it', async () => {
    await start();
    const unknown = await ask({ body: await encryptedWith(testRing(9), 'x') });
    expect(unknown.status).toBe(422);
    expect(unknown.text).toContain(`'${testKeyId(9)}'`);
    const { payloads } = await encrypted('x');
    const bytes = Buffer.from(payloads[0]!.data, 'base64');
    bytes[bytes.length - 1]! ^= 1;
    const altered = { payloads: [{ ...payloads[0], data: bytes.toString('base64') }] };
    expect(await ask({ body: altered })).toMatchObject({ status: 422 });
  });

  const REFUSED: [method: string, path: string][] = [
    ...['GET', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND'].map((method): [string, string] => [
      method,
      '/decode',
    ]),
    ...['GET', 'POST', 'HEAD', 'OPTIONS'].map((method): [string, string] => [method, '/secrets']),
    ['POST', '/encode'],
    ['POST', '/health'],
    ['POST', '/%zz/secrets'],
    ['POST', '/decode/%ff?secrets'],
  ];
  const send = (method: string, path: string, headers: Record<string, string> = {}) =>
    request(server!.url + path, { method: method as 'GET', headers });

  it.each(REFUSED)('audits and limits a refused %s %s, and repeats nothing of it', async (method, path) => {
    await start({ requestsPerMinute: 1 });
    const [first, second] = [await send(method, path), await send(method, path)];
    const answers = `${await first.body.text()}${await second.body.text()}`;
    await server!.close();
    expect([first.statusCode, second.statusCode]).toEqual([404, 429]);
    expect(audited()).toMatchObject([
      { event: 'codecRequest', method, operation: 'unknown', refused: NOTHING_THERE, status: 404 },
      { method, refused: expect.stringContaining('too many requests') as string, status: 429 },
    ]);
    expect(audit.join('') + answers).not.toMatch(/secrets|zz/);
  });

  it('audits and limits the preflights of pages that may not ask, and no others', async () => {
    await start({ requestsPerMinute: 3 });
    const preflight = async (origin: string) =>
      (await send('OPTIONS', '/decode', { origin, 'access-control-request-method': 'POST' })).statusCode;
    const foreign = 'https://evil.example';
    const statuses = [
      await preflight(UI),
      await preflight(foreign),
      await preflight(UI),
      await preflight(UI),
    ];
    await server!.close();
    expect(statuses).toEqual([204, 403, 204, 429]);
    expect(audited()).toMatchObject([
      { method: 'OPTIONS', refused: 'pages of this origin may not ask', status: 403 },
      { method: 'OPTIONS', refused: expect.stringContaining('too many requests') as string, status: 429 },
    ]);
    expect(audit.join('')).not.toContain(foreign);
  });

  it('audits and limits a body that is too large', async () => {
    await start({ requestsPerMinute: 1 });
    const body = { payloads: [{ data: 'A'.repeat(6 * 1024 * 1024) }] };
    const statuses = [(await ask({ body })).status, (await ask({ body })).status];
    await server!.close();
    expect(statuses).toEqual([413, 429]);
    expect(audited()).toMatchObject([
      { who: 'operator', operation: 'decode', refused: 'the body is too large', status: 413 },
      { status: 429 },
    ]);
  });

  it.each([
    ['a method that there is not', 'SECRETS /decode HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a request for a tunnel', 'CONNECT secrets:443 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['headers that are too long', `GET / HTTP/1.1\r\nA: ${'secrets'.repeat(10_000)}\r\n\r\n`, 431],
    ['no host', 'GET /secrets HTTP/1.1\r\nConnection: close\r\n\r\n', 404],
    [
      'an expectation',
      'GET /secrets HTTP/1.1\r\nHost: a\r\nExpect: secrets\r\nConnection: close\r\n\r\n',
      404,
    ],
  ])('audits and refuses %s', async (_what, bytes, status) => {
    await start();
    const answer = await exchanged(bytes);
    await server!.close();
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(audited()).toMatchObject([{ event: 'codecRequest', ip: '127.0.0.1', status }]);
    expect(audited()[0]).toHaveProperty('refused');
    expect(audit.join('') + answer).not.toMatch(/secrets/i);
  });

  it('slows down every caller that asks too often, and not its own health check', async () => {
    await start({ requestsPerMinute: 2 });
    const statuses = [];
    for (let n = 0; n < 3; n += 1) statuses.push((await ask({ authorization: undefined })).status);
    expect(statuses).toEqual([401, 401, 429]);
    expect((await fetch(`${server!.url}/health`)).status).toBe(200);
    await server!.close();
    expect(audit).toHaveLength(3);
  });

  it('audits each request: who, which namespace, how many payloads and what came of it, never content', async () => {
    await start();
    const body = await encrypted({ consumer: { firstName: 'Ada' } }, 'x');
    const seeing = await token({ claims: { sub: 'officer', scope: 'c2p:unmask' } });
    await ask({ body });
    await ask({ body, authorization: `Bearer ${seeing}` });
    await ask({ body, authorization: 'Bearer x' });
    await ask({ body, headers: { 'x-namespace': 'Ada' } });
    await ask({ path: '/secrets', body });
    await server!.close();
    expect(audited()).toMatchObject([
      {
        event: 'codecRequest',
        operation: 'decode',
        who: 'operator',
        namespace: 'default',
        payloads: 2,
        unmasked: false,
        status: 200,
      },
      { who: 'officer', unmasked: true, status: 200 },
      { refused: 'the token is no JWT that this server accepts', status: 401 },
      { who: 'operator', refused: 'this namespace is not served here', status: 403 },
      { operation: 'unknown', status: 404 },
    ]);
    for (const line of audit) {
      expect(line).not.toContain('Ada');
      expect(line).not.toContain(seeing);
      expect(line).not.toContain('secrets');
      expect(line).not.toContain(body.payloads[0]!.data);
    }
  });
});
