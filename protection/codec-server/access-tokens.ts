import { createRemoteJWKSet, customFetch, errors, jwtVerify } from 'jose';
import type { FetchImplementation, JWTPayload, JWTVerifyGetKey } from 'jose';
import { request } from 'undici';
import { dispatcherTo } from '../outbound.js';
import { readAnswer } from '../read-answer.js';

/** Lets a caller see what `maskPayload` hides. */
export const UNMASK_SCOPE = 'c2p:unmask';

/** RFC 7518, 3.2: a key for HS256 has at least the size of its hash. */
const SHORTEST_SECRET = 32;
const CLOCK_TOLERANCE_S = 30;
const JWKS_MAX_AGE_MS = 10 * 60_000;
/** An unknown key id makes the set be read again, but no more often than this. */
const JWKS_COOLDOWN_MS = 30_000;
const MAX_JWKS_BYTES = 1024 * 1024;

const PUBLIC_KEY_ALGORITHMS = ['RS', 'PS', 'ES'].flatMap((kind) => [
  `${kind}256`,
  `${kind}384`,
  `${kind}512`,
]);

export interface AccessTokenOptions {
  /** What signs the tokens: an identity provider's keys, or a secret that is shared with their issuer. */
  key: { jwksUrl: string } | { secret: string };
  /** The `iss` that a token must have. */
  issuer: string;
  /** The `aud` that a token must have, among others or alone. */
  audience: string;
  /**
   * The claim with Temporal's own permissions (`["default:read", …]`, as Temporal's default claim mapper
   * reads them). Absent: everyone who has a token may read all of the server's namespaces.
   */
  permissionsClaim?: string | undefined;
}

/** Who calls, by a token that holds. */
export interface Caller {
  /** The token's `sub`. */
  subject: string;
  scopes: ReadonlySet<string>;
  mayRead(namespace: string): boolean;
}

/** Finds out who calls from the value of the `Authorization` header. @throws AccessRefused */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

/** A call without a token that holds. The message says why, without any part of the token. */
export class AccessRefused extends Error {
  override readonly name = 'AccessRefused';
  readonly code = 'ACCESS_REFUSED';
}

/** The issuer's keys cannot be had, so that it is unknown who calls. */
export class IssuerUnavailable extends Error {
  override readonly name = 'IssuerUnavailable';
  readonly code = 'ISSUER_UNAVAILABLE';
}

/** A secret that does not protect what it is to protect. */
export class WeakSecretError extends Error {
  override readonly name = 'WeakSecretError';
  readonly code = 'SECRET_TOO_SHORT';
}

/**
 * Who calls by bearer tokens (RFC 6750) that are JWTs: signature, `iss`, `aud`, `exp` and `nbf` must be
 * right, and `sub` there. Only algorithms that fit the kind of key are accepted.
 * @throws WeakSecretError for a secret of less than 32 bytes; ProxyUrlError.
 */
export function accessTokens(options: AccessTokenOptions): Authenticate {
  const { issuer, audience, permissionsClaim } = options;
  const { key, algorithms } = verification(options.key);
  return async (authorization) => {
    const [, token] = /^Bearer +([^\s]+) *$/i.exec(authorization ?? '') ?? [];
    if (token === undefined) throw new AccessRefused('there is no bearer token');
    try {
      const { payload } = await jwtVerify(token, key, {
        issuer,
        audience,
        algorithms,
        requiredClaims: ['exp', 'sub'],
        clockTolerance: CLOCK_TOLERANCE_S,
      });
      return callerOf(payload, permissionsClaim);
    } catch (error) {
      throw refusal(error);
    }
  };
}

function verification(signer: AccessTokenOptions['key']): { key: JWTVerifyGetKey; algorithms: string[] } {
  if ('jwksUrl' in signer) {
    const keys = createRemoteJWKSet(new URL(signer.jwksUrl), {
      [customFetch]: fetching(signer.jwksUrl),
      cacheMaxAge: JWKS_MAX_AGE_MS,
      cooldownDuration: JWKS_COOLDOWN_MS,
    });
    const key: JWTVerifyGetKey = (header, token) =>
      keys(header, token).catch((error: unknown) => {
        if (isOfToken(error)) throw error;
        throw new IssuerUnavailable("the issuer's keys cannot be read", { cause: error });
      });
    return { key, algorithms: PUBLIC_KEY_ALGORITHMS };
  }
  const secret = new TextEncoder().encode(signer.secret);
  if (secret.length < SHORTEST_SECRET)
    throw new WeakSecretError(`the secret of the access tokens has less than ${SHORTEST_SECRET} bytes`);
  return { key: () => secret, algorithms: ['HS256', 'HS384', 'HS512'] };
}

/**
 * The global `fetch` leaves certificates to NODE_TLS_REJECT_UNAUTHORIZED, knows no proxy, and reads an answer of any
 * size.
 */
function fetching(jwksUrl: string): FetchImplementation {
  const dispatcher = dispatcherTo(jwksUrl);
  return async (url, { headers, signal }) => {
    const answer = await request(url, {
      dispatcher,
      headers: { ...Object.fromEntries(headers), 'accept-encoding': 'identity' },
      signal,
    });
    return new Response(await readAnswer(answer, MAX_JWKS_BYTES), { status: answer.statusCode });
  };
}

function callerOf(payload: JWTPayload, permissionsClaim: string | undefined): Caller {
  const { sub } = payload;
  if (typeof sub !== 'string' || sub === '') throw new AccessRefused('the token has no sub');
  const permissions = permissionsClaim === undefined ? undefined : words(payload[permissionsClaim]);
  return {
    subject: sub,
    // `scope` by RFC 8693; `scp` is what some identity providers call it.
    scopes: new Set([...words(payload['scope']), ...words(payload['scp'])]),
    mayRead: (namespace) =>
      permissions === undefined || permissions.some((permission) => grantsReading(permission, namespace)),
  };
}

/** `namespace:role`; on the system namespace, a role holds for every namespace. */
function grantsReading(permission: string, namespace: string): boolean {
  const [where, role] = permission.split(':');
  if (role !== 'read' && role !== 'write' && role !== 'admin') return false;
  return where === namespace || where === 'temporal-system';
}

/** A list of strings, or one string of words. */
function words(claim: unknown): string[] {
  if (typeof claim === 'string') return claim.split(' ').filter(Boolean);
  return Array.isArray(claim) ? claim.filter((word) => typeof word === 'string') : [];
}

/** Errors of jose have codes; their messages may name claims, and nothing else is shown. */
function refusal(error: unknown): Error {
  if (error instanceof AccessRefused || error instanceof IssuerUnavailable) return error;
  if (error instanceof errors.JWTExpired) return new AccessRefused('the token has expired');
  if (error instanceof errors.JWTClaimValidationFailed)
    return new AccessRefused(
      `the token is not for this server: its ${knownClaim(error.claim)} is missing or another`,
    );
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed)
    return new AccessRefused('the token is not signed by the issuer');
  return new AccessRefused('the token is no JWT that this server accepts');
}

function knownClaim(claim: string): string {
  return ['iss', 'aud', 'exp', 'nbf', 'sub', 'iat'].includes(claim) ? claim : 'claim';
}

/** Whether a key was not found because of what the token says, and not because there are no keys. */
function isOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}
