import { createHash, timingSafeEqual, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { ApiError } from './api-error.js';

/** A request as it came over the wire: nothing decoded, nothing normalised. */
export interface SignedRequest {
  method: string;
  /** Value of the `Host` header. */
  host: string;
  /** Path and query exactly as in the request line. */
  target: string;
  authorization: string | undefined;
  /** The exact bytes received; empty for a request without a body. */
  body: Buffer;
}

/** Gives the public signing key of a consumer key, or undefined for one that is not known. */
export type SigningKeyLookup = (consumerKey: string) => KeyObject | undefined;

const WINDOW_SECONDS = 5 * 60;
const MAX_NONCES = 100_000;
const PARAMETERS = [
  'oauth_body_hash',
  'oauth_consumer_key',
  'oauth_nonce',
  'oauth_signature',
  'oauth_signature_method',
  'oauth_timestamp',
  'oauth_version',
] as const;
type Parameters = Record<(typeof PARAMETERS)[number], string>;

const HEADER = /^OAuth [a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*$/;

/**
 * Verifies Mastercard's OAuth 1.0a with body hash: header values are taken verbatim, undecoded except the
 * signature, sorted and encoded once (the contract, "Authentication"). Keeps the nonces of the last ten
 * minutes, at most 100,000.
 *
 * @param signingKeyOf where signatures' keys are
 * @param now milliseconds since the epoch
 */
export function createOAuthVerifier(signingKeyOf: SigningKeyLookup, now: () => number) {
  const nonces = new NonceMemory(now);

  /**
   * @returns the consumer key that signed the request
   * @throws ApiError 401 in a gateway shape; its reason says which check failed:
   * `OAUTH_HEADER_INVALID`, `OAUTH_CONSUMER_KEY_UNKNOWN`, `OAUTH_TIMESTAMP_REFUSED`,
   * `OAUTH_BODY_HASH_MISMATCH`, `OAUTH_SIGNATURE_INVALID`, `OAUTH_NONCE_USED`
   */
  return function verifyRequest(request: SignedRequest): string {
    const oauth = parseHeader(request.authorization);
    const key = signingKeyOf(oauth.oauth_consumer_key);
    if (!key) throw refused('OAUTH_CONSUMER_KEY_UNKNOWN', 'The consumer key is not known');

    const stamp = /^\d{1,12}$/.test(oauth.oauth_timestamp) ? Number(oauth.oauth_timestamp) * 1000 : NaN;
    if (!(Math.abs(now() - stamp) <= WINDOW_SECONDS * 1000)) {
      throw refused('OAUTH_TIMESTAMP_REFUSED', 'The timestamp is more than five minutes off');
    }
    const bodyHash = createHash('sha256').update(request.body).digest('base64');
    if (!sameText(bodyHash, oauth.oauth_body_hash)) {
      throw refused('OAUTH_BODY_HASH_MISMATCH', 'The body hash is not that of the body received');
    }
    if (!verifySignature(request, oauth, key)) {
      throw refused('OAUTH_SIGNATURE_INVALID', 'The signature does not belong to this request', 'gatewayA');
    }
    if (!nonces.use(oauth.oauth_consumer_key, oauth.oauth_nonce, stamp + WINDOW_SECONDS * 1000)) {
      throw refused('OAUTH_NONCE_USED', 'The nonce was used before');
    }
    return oauth.oauth_consumer_key;
  };
}

function parseHeader(header: string | undefined): Parameters {
  if (header === undefined || !HEADER.test(header)) {
    throw refused('OAUTH_HEADER_INVALID', 'The Authorization header is missing or not of the OAuth form');
  }
  const pairs = [...header.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name, value]) => [name, value] as const);
  const names = pairs.map(([name]) => name).sort();
  if (names.join() !== PARAMETERS.join()) {
    throw refused(
      'OAUTH_HEADER_INVALID',
      `The Authorization header must hold exactly ${PARAMETERS.join(', ')}`,
    );
  }
  const oauth = Object.fromEntries(pairs) as Parameters;
  if (oauth.oauth_version !== '1.0' || oauth.oauth_signature_method !== 'RSA-SHA256' || !oauth.oauth_nonce) {
    throw refused('OAUTH_HEADER_INVALID', 'OAuth 1.0 with RSA-SHA256 and a nonce is expected');
  }
  return oauth;
}

function verifySignature(request: SignedRequest, oauth: Parameters, key: KeyObject): boolean {
  const { oauth_signature: encoded, ...signed } = oauth;
  let signature: string;
  try {
    signature = decodeURIComponent(encoded);
  } catch {
    return false;
  }
  return verify('sha256', Buffer.from(baseString(request, signed)), key, Buffer.from(signature, 'base64'));
}

/** RFC 5849, section 3.4.1, with query values as they are on the wire. */
function baseString({ method, host, target }: SignedRequest, oauth: Record<string, string>): string {
  const [path = '', query = ''] = target.split(/\?(.*)/s, 2);
  const parameters = Object.entries(oauth);
  for (const pair of query.split('&').filter(Boolean)) {
    const [name = '', value = ''] = pair.split(/=(.*)/s, 2);
    parameters.push([name, value]);
  }
  const sorted = parameters.sort(
    ([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB),
  );
  const joined = sorted.map(([name, value]) => `${name}=${value}`).join('&');
  const uri = `http://${host.toLowerCase().replace(/:80$/, '')}${path}`;
  return [method.toUpperCase(), encode(uri), encode(joined)].join('&');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** RFC 3986: everything but unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function refused(reason: string, message: string, shape: 'gatewayA' | 'gatewayB' = 'gatewayB'): ApiError {
  return new ApiError(401, { reason, message, shape });
}

/** Remembers each nonce until its timestamp would be refused anyway; the oldest go first when it is full. */
class NonceMemory {
  private readonly expiryOf = new Map<string, number>();

  constructor(private readonly now: () => number) {}

  /** @returns false if the nonce was used before */
  use(consumerKey: string, nonce: string, expiry: number): boolean {
    for (const [used, end] of this.expiryOf) {
      if (end >= this.now() && this.expiryOf.size < MAX_NONCES) break;
      this.expiryOf.delete(used);
    }
    const key = JSON.stringify([consumerKey, nonce]);
    if (this.expiryOf.has(key)) return false;
    this.expiryOf.set(key, expiry);
    return true;
  }
}
