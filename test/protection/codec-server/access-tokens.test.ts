import { SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  AccessRefused,
  accessTokens,
  IssuerUnavailable,
  WeakSecretError,
} from '../../../protection/codec-server/access-tokens.js';
import { AUDIENCE, IdentityProvider, ISSUER, SECRET, token } from '../../support/tokens.js';

const claims = { issuer: ISSUER, audience: AUDIENCE };
const withSecret = accessTokens({ key: { secret: SECRET }, ...claims });
const bearer = async (made: Promise<string>) => `Bearer ${await made}`;

describe('access tokens signed with a shared secret', () => {
  it('says who calls, and which scopes they have', async () => {
    const caller = await withSecret(await bearer(token({ claims: { scope: 'openid c2p:unmask' } })));
    expect(caller.subject).toBe('operator');
    expect([...caller.scopes]).toEqual(['openid', 'c2p:unmask']);
  });

  it('reads scopes also from scp, as a list', async () => {
    const caller = await withSecret(await bearer(token({ claims: { scp: ['c2p:encode'] } })));
    expect(caller.scopes.has('c2p:encode')).toBe(true);
  });

  it.each([
    ['no header', undefined, 'there is no bearer token'],
    ['another scheme', 'Basic b3BlcmF0b3I6c2VjcmV0', 'there is no bearer token'],
    ['no JWT', 'Bearer nonsense', 'no JWT'],
  ])('refuses %s', async (_what, header, why) => {
    await expect(withSecret(header)).rejects.toThrow(AccessRefused);
    await expect(withSecret(header)).rejects.toThrow(why);
  });

  it.each([
    ['one that has expired', token({ expiresIn: -60 }), 'has expired'],
    ['one for another audience', token({ audience: 'another' }), 'its aud'],
    ['one of another issuer', token({ issuer: 'https://elsewhere.example' }), 'its iss'],
    ['one without a subject', token({ claims: { sub: undefined } }), 'its sub'],
    ['one with an empty subject', token({ claims: { sub: '' } }), 'no sub'],
    ['one that is not valid yet', token({ claims: { nbf: Date.now() / 1000 + 3600 } }), 'its nbf'],
    ['one signed with another secret', token({}, `${SECRET}!`), 'not signed by the issuer'],
    [
      'one that never expires',
      new SignJWT({ sub: 'operator', iss: ISSUER, aud: AUDIENCE })
        .setProtectedHeader({ alg: 'HS256' })
        .sign(new TextEncoder().encode(SECRET)),
      'its exp',
    ],
    [
      'one that is not signed',
      Promise.resolve(new UnsecuredJWT({ sub: 'operator', iss: ISSUER, aud: AUDIENCE, exp: 9e9 }).encode()),
      'no JWT',
    ],
  ])('refuses %s', async (_what, made, why) => {
    const header = await bearer(made);
    await expect(withSecret(header)).rejects.toThrow(AccessRefused);
    await expect(withSecret(header)).rejects.toThrow(why);
  });

  it('refuses a secret that is shorter than its hash', () => {
    const weak = () => accessTokens({ key: { secret: 'x'.repeat(31) }, ...claims });
    expect(weak).toThrow(WeakSecretError);
  });
});

describe("access tokens signed with an identity provider's keys", () => {
  let provider: IdentityProvider;
  afterEach(() => {
    provider.close();
    vi.useRealTimers();
  });
  const start = async () => {
    provider = await IdentityProvider.start();
    return accessTokens({ key: { jwksUrl: provider.jwksUrl }, ...claims });
  };

  it('are believed, and the keys asked for once', async () => {
    const authenticate = await start();
    for (let n = 0; n < 3; n += 1)
      expect((await authenticate(await bearer(provider.token()))).subject).toBe('operator');
    expect(provider.asked).toBe(1);
  });

  it('are believed after the provider has changed its key, and an unknown key does not make it be asked each time', async () => {
    const authenticate = await start();
    await authenticate(await bearer(provider.token()));
    const old = await bearer(provider.token());
    await provider.rotate('second');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 });
    await expect(authenticate(await bearer(provider.token()))).resolves.toBeDefined();
    for (let n = 0; n < 3; n += 1)
      await expect(authenticate(old)).rejects.toThrow('not signed by the issuer');
    expect(provider.asked).toBe(2);
  });

  it('are refused when they are signed with the public key as if it were a secret', async () => {
    const authenticate = await start();
    const forged = token({}, JSON.stringify(provider.publicKey()));
    await expect(authenticate(await bearer(forged))).rejects.toThrow(AccessRefused);
  });

  it('cannot be checked while the provider is down', async () => {
    const authenticate = await start();
    provider.isDown = true;
    await expect(authenticate(await bearer(provider.token()))).rejects.toThrow(IssuerUnavailable);
    provider.isDown = false;
    await expect(authenticate(await bearer(provider.token()))).resolves.toBeDefined();
  });

  it('cannot be checked where the provider sends more than a megabyte', async () => {
    const authenticate = await start();
    provider.spaces = 1024 * 1024;
    await expect(authenticate(await bearer(provider.token()))).rejects.toThrow(IssuerUnavailable);
    provider.spaces = 0;
    await expect(authenticate(await bearer(provider.token()))).resolves.toBeDefined();
  });
});

describe("Temporal's permissions in a token", () => {
  const authenticate = accessTokens({ key: { secret: SECRET }, ...claims, permissionsClaim: 'permissions' });
  it.each([
    [['default:read'], true],
    [['default:write'], true],
    [['temporal-system:admin'], true],
    [['other:read', 'default:admin'], true],
    [['default:worker'], false],
    [['other:admin'], false],
    [['default'], false],
    [[], false],
    [undefined, false],
    [{ default: 'read' }, false],
  ])('%j: may read default: %s', async (permissions, may) => {
    const caller = await authenticate(await bearer(token({ claims: { permissions } })));
    expect(caller.mayRead('default')).toBe(may);
  });

  it('do not matter where no claim is configured', async () => {
    expect((await withSecret(await bearer(token()))).mayRead('anything')).toBe(true);
  });
});
