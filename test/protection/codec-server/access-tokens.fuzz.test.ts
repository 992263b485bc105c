import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { AccessRefused, accessTokens } from '../../../protection/codec-server/access-tokens.js';
import { damaged, noise } from '../../support/fuzz/bytes.js';
import { fuzz } from '../../support/fuzz/fuzz.js';
import { estranged } from '../../support/fuzz/json.js';
import { expectNoSecret, SECRETS, shownBy } from '../../support/fuzz/secrets.js';
import { AUDIENCE, ISSUER, SECRET } from '../../support/tokens.js';

const authenticate = accessTokens({
  key: { secret: SECRET },
  issuer: ISSUER,
  audience: AUDIENCE,
  permissionsClaim: 'permissions',
});

const now = Math.floor(Date.now() / 1000);
const headers = fc.constantFrom(
  ...['HS256', 'HS384', 'HS512', 'none', 'RS256', 'ES256'].map((alg) => ({ alg })),
  { alg: 'HS256', crit: ['b64'], b64: false },
  { alg: 'HS256', kid: SECRETS.email, jwk: { kty: 'oct', k: 'c2VjcmV0' }, jku: 'https://elsewhere.example' },
);
const claims = fc.record({
  sub: fc.constantFrom('operator', SECRETS.name, SECRETS.email),
  iss: fc.constantFrom(ISSUER, ISSUER, ISSUER, SECRETS.email),
  aud: fc.constantFrom<unknown>(AUDIENCE, AUDIENCE, [AUDIENCE, SECRETS.pan], SECRETS.pan, {}),
  exp: fc.constantFrom(now + 3600, now + 3600, now - 3600),
  scope: fc.constantFrom<unknown>('c2p:unmask', [SECRETS.phone], 7),
  permissions: fc.constantFrom<unknown>(['default:read', SECRETS.pan], SECRETS.pan, { default: 'read' }),
});

interface Token {
  header: string;
  payload: string;
  secret: string;
}

const tokens = fc
  .record<Token>({
    header: estranged(headers, 2),
    payload: estranged(claims, 2),
    secret: fc.constantFrom(SECRET, SECRET, SECRET, SECRETS.name),
  })
  .map(({ header, payload, secret }) => {
    const signed = [header, payload].map((text) => Buffer.from(text).toString('base64url')).join('.');
    const [, bits = '256'] = /"alg":"HS(384|512)"/.exec(header) ?? [];
    return `${signed}.${createHmac(`sha${bits}`, secret).update(signed).digest('base64url')}`;
  });

const authorizations = fc.oneof(
  { weight: 8, arbitrary: tokens.map((token) => `Bearer ${token}`) },
  {
    weight: 2,
    arbitrary: damaged(tokens.map((token) => Buffer.from(`Bearer ${token}`))).map((bytes) =>
      bytes.toString('latin1'),
    ),
  },
  { weight: 1, arbitrary: noise.map((bytes) => bytes.toString('latin1')) },
);

/** What a plain reading of a token makes of it; nothing for one that is not ours, or is not for this server now. */
function subjectOf(authorization: string): unknown {
  const [header = '', payload = '', signature] = authorization
    .replace(/^bearer +/i, '')
    .trim()
    .split('.');
  const read = (part: string) =>
    JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
  const { alg } = read(header);
  const expected = createHmac(`sha${String(alg).slice(2)}`, SECRET)
    .update(`${header}.${payload}`)
    .digest('base64url');
  const { iss, aud, exp, sub } = read(payload);
  const isOurs = expected === signature && iss === ISSUER && [aud].flat().includes(AUDIENCE);
  return isOurs && Number(exp) > now - 30 ? sub : undefined;
}

fuzz(
  'an access token that is not the issuer’s is refused, and nothing of it told',
  authorizations,
  async (text) => {
    try {
      const caller = await authenticate(text);
      assert.equal(caller.subject, subjectOf(text));
      assert([...caller.scopes].every((scope) => typeof scope === 'string'));
      assert.equal(caller.mayRead('another'), false);
    } catch (error) {
      if (!(error instanceof AccessRefused)) throw error;
      expectNoSecret(shownBy(error));
    }
  },
);
