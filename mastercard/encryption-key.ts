import { createPublicKey, X509Certificate, type JsonWebKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { certificateFingerprint, keyFingerprint } from './certificates.js';
import type { Recipient } from './jwe.js';
import { fetchKeySet } from './key-set.js';
import { KeyError, readKeyFile, requireRsa } from './key-material.js';

/** Where Mastercard's public key is: a file (PEM or JSON) or the URL of a JWK set. */
export type EncryptionKeySource =
  | {
      path: string;
      /** The id that Mastercard knows the key by, where the file does not say it. */
      kid?: string | undefined;
    }
  | {
      jwksUrl: string;
      /** Chooses the key of the set. */
      kid?: string | undefined;
    };

export interface LoadedEncryptionKey extends Recipient {
  /** Where the file is one. */
  certificate?: X509Certificate;
  /** The configured `kid` is a fingerprint, and not of this key or its certificate: one of them is probably out of date. */
  kidInDoubt?: boolean;
}

/**
 * Loads the key that `enrollmentData` is encrypted to, from a PEM X.509 certificate, an SPKI or PKCS#1
 * PEM, a JWK or JWK set in a file, or a JWK set at a URL. From a set it takes the RSA member with
 * `use: enc` that has the configured `kid`, else the first one.
 *
 * The key's id is, in this order: the configured `kid`, the JWK's own, the lower-case hex SHA-256 of the
 * DER SubjectPublicKeyInfo. Every call reads anew, because keys rotate; `LiveEncryptionKey` keeps the answer
 * for a while.
 * @param signingKey the program's own: a key that belongs to it is refused.
 * @throws KeyError
 */
export async function loadEncryptionKey(
  source: EncryptionKeySource,
  signingKey?: KeyObject,
): Promise<LoadedEncryptionKey> {
  const loaded =
    'jwksUrl' in source
      ? fromKeySet(await fetchKeySet(source.jwksUrl), source.kid, source.jwksUrl)
      : await fromFile(source.path, source.kid);
  if (signingKey && createPublicKey(signingKey).equals(loaded.key)) throw ownKey(source);
  return loaded;
}

async function fromFile(path: string, kid: string | undefined): Promise<LoadedEncryptionKey> {
  const text = (await readKeyFile(path)).toString('utf8');
  if (!text.trimStart().startsWith('{')) return fromPem(text, path, kid);
  const json = parseJson(text, path);
  const set = KeySet.safeParse(json);
  if (set.success) return fromKeySet(set.data.keys, kid, path);
  const jwk = Jwk.safeParse(json);
  if (!jwk.success) throw unknownFormat(path);
  const { kid: own = kid } = jwk.data;
  if (kid !== undefined && kid !== own) {
    throw new KeyError(
      'KEY_ID_UNKNOWN',
      `${path}: the key has the kid '${own}', and encryptionKey.kid says '${kid}'; make them agree`,
    );
  }
  return recipient(readJwk(jwk.data, path), path, own);
}

function fromPem(text: string, path: string, kid: string | undefined): LoadedEncryptionKey {
  const { key, certificate } = readPem(text, path);
  const named = recipient(key, path, kid);
  const fingerprints = [keyFingerprint(named.key), certificate && certificateFingerprint(certificate)];
  return {
    ...named,
    ...(certificate && { certificate }),
    kidInDoubt: FINGERPRINT_PATTERN.test(named.kid) && !fingerprints.includes(named.kid),
  };
}

const FINGERPRINT_PATTERN = /^[0-9a-f]{64}$/;

const Jwk = z.looseObject({ kty: z.string(), use: z.string().optional(), kid: z.string().optional() });
type Jwk = z.infer<typeof Jwk>;
const KeySet = z.object({ keys: z.array(z.unknown()) });

function fromKeySet(members: unknown[], kid: string | undefined, origin: string): Recipient {
  const usable = members
    .flatMap((member) => Jwk.safeParse(member).data ?? [])
    .filter((jwk) => jwk.kty === 'RSA' && jwk.use === 'enc');
  const chosen = kid === undefined ? usable[0] : usable.find((jwk) => jwk.kid === kid);
  if (!chosen) {
    const ids = usable.map((jwk) => `'${jwk.kid ?? '(no kid)'}'`).join(', ') || 'none';
    const wanted = kid === undefined ? '' : ` with kid '${kid}'`;
    throw new KeyError(
      'KEY_ID_UNKNOWN',
      `${origin}: the set has no RSA key${wanted} for encryption (use: enc); it has: ${ids}; check encryptionKey.kid`,
    );
  }
  return recipient(readJwk(chosen, origin), origin, chosen.kid);
}

function recipient(key: KeyObject, origin: string, kid: string | undefined): Recipient {
  return { kid: kid ?? keyFingerprint(key), key: requireRsa(key, origin) };
}

function readPem(pem: string, path: string): { key: KeyObject; certificate: X509Certificate | undefined } {
  // node:crypto would silently derive the public key, and a private key has no business here.
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) throw privateKey(path);
  try {
    const certificate = pem.includes('-----BEGIN CERTIFICATE-----') ? new X509Certificate(pem) : undefined;
    return { key: createPublicKey(pem), certificate };
  } catch {
    throw unknownFormat(path);
  }
}

function readJwk(jwk: Jwk, origin: string): KeyObject {
  if ('d' in jwk) throw privateKey(origin);
  if (jwk.use !== undefined && jwk.use !== 'enc') {
    throw new KeyError(
      'KEY_UNSUITABLE',
      `${origin}: this key is not for encryption (use: enc); encryptionKey must be Mastercard's encryption key`,
    );
  }
  try {
    return createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
  } catch {
    throw unknownFormat(origin);
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unknownFormat(path);
  }
}

function unknownFormat(origin: string): KeyError {
  return new KeyError(
    'KEY_FORMAT_UNKNOWN',
    `${origin}: no public key; encryptionKey must be a PEM certificate, a PEM public key, a JWK or a JWK set`,
  );
}

function ownKey(source: EncryptionKeySource): KeyError {
  return new KeyError(
    'KEY_UNSUITABLE',
    `${'path' in source ? source.path : source.jwksUrl}: this key belongs to signingKey, so Mastercard could not ` +
      "read what is encrypted to it; encryptionKey must be Mastercard's own public key",
  );
}

function privateKey(origin: string): KeyError {
  return new KeyError(
    'KEY_UNSUITABLE',
    `${origin}: this is a private key; encryptionKey must be Mastercard's public key`,
  );
}
