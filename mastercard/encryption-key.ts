import { createPublicKey, X509Certificate, type JsonWebKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { keyFingerprint } from './certificates.js';
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
}

/**
 * Loads the key that `enrollmentData` is encrypted to, from a PEM X.509 certificate, an SPKI or PKCS#1
 * PEM, a JWK or JWK set in a file, or a JWK set at a URL. From a set it takes the RSA member with
 * `use: enc` that has the configured `kid`, else the first one.
 *
 * The key's id is, in this order: the configured `kid`, the JWK's own, the lower-case hex SHA-256 of the
 * DER SubjectPublicKeyInfo. Every call reads anew, because keys rotate; the caller decides how long to
 * keep the answer.
 * @throws KeyError
 */
export async function loadEncryptionKey(source: EncryptionKeySource): Promise<LoadedEncryptionKey> {
  if ('jwksUrl' in source) {
    return fromKeySet(await fetchKeySet(source.jwksUrl), source.kid, source.jwksUrl);
  }
  const { path, kid } = source;
  const text = (await readKeyFile(path)).toString('utf8');
  if (!text.trimStart().startsWith('{')) {
    const key = recipient(readPem(text, path), path, kid);
    return text.includes('-----BEGIN CERTIFICATE-----')
      ? { ...key, certificate: new X509Certificate(text) }
      : key;
  }
  const json = parseJson(text, path);
  const set = KeySet.safeParse(json);
  if (set.success) return fromKeySet(set.data.keys, kid, path);
  const jwk = Jwk.safeParse(json);
  if (!jwk.success) throw unknownFormat(path);
  return recipient(readJwk(jwk.data, path), path, kid ?? jwk.data.kid);
}

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

function readPem(pem: string, path: string): KeyObject {
  // node:crypto would silently derive the public key, and a private key has no business here.
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) throw privateKey(path);
  try {
    return createPublicKey(pem);
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

function privateKey(origin: string): KeyError {
  return new KeyError(
    'KEY_UNSUITABLE',
    `${origin}: this is a private key; encryptionKey must be Mastercard's public key`,
  );
}
