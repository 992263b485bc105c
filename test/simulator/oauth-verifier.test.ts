import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import OAuth from 'mastercard-oauth1-signer';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createOAuthVerifier } from '../../simulator/oauth-verifier.js';
import { call, encrypt, enrollBody, payloadOf, query, sign, startRig } from './support.js';
import type { CallTweaks, Reply, Rig } from './support.js';

/** The parts of the signer that a test pins down; its types do not show them. */
const signer = OAuth as unknown as { getTimestamp(): number; getNonce(): string };

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.close());
afterEach(() => {
  vi.restoreAllMocks();
});

const PATH = '/cards/batch';
let count = 0;
async function post(tweaks: CallTweaks = {}): Promise<Reply> {
  count += 1;
  const body = enrollBody(`batch-${count}`, await encrypt(rig, payloadOf([{ card: 'card-1' }])));
  return call(rig, 'POST', PATH, body, tweaks);
}

/** The reason, whichever of the gateway's two shapes it comes in. */
function gatewayReason({ status, json }: Reply) {
  const { Errors } = json as { Errors: { Error: { ReasonCode: string }[] } | { Error: object }[] };
  const [shape, error] = Array.isArray(Errors) ? ['B', Errors[0]?.Error] : ['A', Errors.Error[0]];
  return { status, shape, ...(error as { ReasonCode: string; Recoverable: boolean }) };
}

const expectRefusal = (reply: Reply, ReasonCode: string, shape = 'B') =>
  expect(gatewayReason(reply)).toMatchObject({ status: 401, shape, ReasonCode, Recoverable: false });

describe('the OAuth verifier', () => {
  it('refuses a body other than the one that was signed', async () => {
    expectRefusal(await post({ sentBody: '{}' }), 'OAUTH_BODY_HASH_MISMATCH');
  });

  it('refuses a body that differs in white space only', async () => {
    const body = enrollBody('spaces', await encrypt(rig, payloadOf([{ card: 'card-1' }])));
    expectRefusal(await call(rig, 'POST', PATH, body, { sentBody: `${body} ` }), 'OAUTH_BODY_HASH_MISMATCH');
  });

  it.each([
    [-301, 401],
    [-290, 202],
    [290, 202],
    [310, 401],
  ])('answers a timestamp %i s from now with %i', async (offset, expected) => {
    const stamp = Math.floor(Date.now() / 1000) + offset;
    vi.spyOn(signer, 'getTimestamp').mockReturnValue(stamp);
    const reply = await post();
    expect(reply.status).toBe(expected);
    if (expected === 401) expectRefusal(reply, 'OAUTH_TIMESTAMP_REFUSED');
  });

  it('refuses a nonce that was used before, in a replay and in a new request', async () => {
    vi.spyOn(signer, 'getNonce').mockReturnValue('n0nce');
    expect((await post()).status).toBe(202);
    expectRefusal(await post(), 'OAUTH_NONCE_USED');
  });

  it('remembers no nonce of a request that it refused', async () => {
    vi.spyOn(signer, 'getNonce').mockReturnValue('n0nce-2');
    expectRefusal(await post({ sentBody: '{}' }), 'OAUTH_BODY_HASH_MISMATCH');
    expect((await post()).status).toBe(202);
  });

  it('refuses a signature by another key', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const signingKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expectRefusal(await post({ signingKey }), 'OAUTH_SIGNATURE_INVALID', 'A');
  });

  it('refuses a consumer key that it does not know', async () => {
    expectRefusal(await post({ consumerKey: 'someone!else' }), 'OAUTH_CONSUMER_KEY_UNKNOWN');
  });

  it('refuses a signature for another path, query, method or host', async () => {
    const path = `${PATH}/b?${query()}`;
    const url = rig.simulator.baseUrl + path;
    const others = [
      ['GET', url.replace('/b?', '/c?')],
      ['GET', url.replace('serviceId=SRC', 'serviceId=SRD')],
      ['DELETE', url],
      ['GET', url.replace('127.0.0.1', 'localhost')],
      ['GET', url.replace(`:${rig.simulator.port}`, '')],
    ] as const;
    for (const [method, signed] of others) {
      const authorization = sign(rig, method, signed, undefined);
      expectRefusal(
        await call(rig, 'GET', path, undefined, { authorization }),
        'OAUTH_SIGNATURE_INVALID',
        'A',
      );
    }
    expect((await call(rig, 'GET', path)).status).toBe(404);
  });

  it('takes query values as they are on the wire, escapes and order included', async () => {
    const path = `/profiles?${query({ srcConsumerId: 'lost & found, 100%' })}`;
    const reply = await call(rig, 'DELETE', path);
    expect(reply.status).toBe(404);
  });

  it('accepts whatever query Mastercard’s signer signs', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const verify = createOAuthVerifier(() => publicKey, Date.now);
    const name = fc.stringMatching(/^[a-z][a-zA-Z0-9._~-]{0,8}$/);
    const value = fc.oneof(
      fc.string({ unit: 'binary' }).map(encodeURIComponent),
      fc.constantFrom('1', '2', ''),
    );
    const pairs = fc.uniqueArray(fc.tuple(name, value), { selector: (pair) => pair.join('='), maxLength: 5 });
    const query = pairs.map((all) => all.map((pair) => pair.join('=')).join('&'));
    const target = fc.oneof(query, fc.constantFrom('b=2&b=1&a', 'b=1&b=2')).map((q) => `/a?${q}`);
    fc.assert(
      fc.property(target, (path) => {
        const url = `http://sim.test:8443${path}`;
        // Mastercard's signer does not escape all of these; its own URLs hold none of them.
        fc.pre(!/[!'()*]/.test(path));
        const authorization = OAuth.getAuthorizationHeader(
          url,
          'GET',
          null,
          'k!k',
          // The types ask for a string, but a key object is what makes signing fast.
          privateKey as unknown as string,
        );
        const request = { method: 'GET', host: 'sim.test:8443', target: path, authorization };
        expect(verify({ ...request, body: Buffer.alloc(0) })).toBe('k!k');
      }),
    );
  });

  it('refuses a header that is missing or not of Mastercard’s form', async () => {
    const body = enrollBody('form', await encrypt(rig, payloadOf([{ card: 'card-1' }])));
    const good = sign(rig, 'POST', rig.simulator.baseUrl + PATH, body);
    const forms = [
      null,
      'Bearer x',
      good.replaceAll('",', '", '),
      good.replace('OAuth ', 'OAuth realm="",'),
      good.replace(/oauth_nonce="[^"]*",/, ''),
      good.replace('RSA-SHA256', 'HMAC-SHA1'),
      good.replace('"1.0"', '"2.0"'),
      `${good},oauth_nonce="second"`,
    ];
    for (const authorization of forms) {
      expectRefusal(await call(rig, 'POST', PATH, body, { authorization }), 'OAUTH_HEADER_INVALID');
    }
    expect((await call(rig, 'POST', PATH, body, { authorization: good })).status).toBe(202);
  });

  it('refuses a signature that is not percent-encoded base64', async () => {
    const body = enrollBody('encoding', await encrypt(rig, payloadOf([{ card: 'card-1' }])));
    const good = sign(rig, 'POST', rig.simulator.baseUrl + PATH, body);
    const authorization = good.replace(/oauth_signature="[^"]*"/, 'oauth_signature="%E0%A4%A"');
    expectRefusal(await call(rig, 'POST', PATH, body, { authorization }), 'OAUTH_SIGNATURE_INVALID', 'A');
  });

  it('forgets a nonce only when its timestamp would be refused anyway', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    let now = Date.parse('2026-11-24T12:00:00Z');
    const verify = createOAuthVerifier(
      () => publicKey,
      () => now,
    );
    vi.spyOn(signer, 'getTimestamp').mockReturnValue(now / 1000 + 300);
    const request = {
      method: 'GET',
      host: 'sim.test',
      target: '/a?b=c',
      authorization: OAuth.getAuthorizationHeader('http://sim.test/a?b=c', 'GET', null, 'k!k', pem),
      body: Buffer.alloc(0),
    };
    expect(verify(request)).toBe('k!k');
    now += 600_000;
    expect(() => verify(request)).toThrow(expect.objectContaining({ code: 'OAUTH_NONCE_USED' }) as Error);
    now += 1;
    expect(() => verify(request)).toThrow(
      expect.objectContaining({ code: 'OAUTH_TIMESTAMP_REFUSED' }) as Error,
    );
  });
});
