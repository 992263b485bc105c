import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { certificateFingerprint, keyFingerprint } from './certificates.js';
import type { OutboundTls } from '../protection/outbound.js';
import { noPublicKey } from './encryption-key-errors.js';
import type { Recipient } from './jwe.js';
import { chooseJwk, Jwk, KeySet, parseJwkText, readJwk } from './jwk.js';
import { conversionHint } from './key-conversion.js';
import { fetchKeySet } from './key-set.js';
import { KeyError, readKeyFile, requireRsa } from './key-material.js';
import { readPublicPem } from './public-pem.js';

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
      /** What the connection needs besides what this system trusts. */
      tls?: OutboundTls | undefined;
    };

export interface LoadedEncryptionKey extends Recipient {
  /** Where the file is one. */
  certificate?: X509Certificate;
  /** The configured `kid` is a fingerprint, and not of this key or its certificate: one of them is probably out of date. */
  kidInDoubt?: boolean;
}

/**
 * Loads the key that `enrollmentData` is encrypted to, from a PEM X.509 certificate, an SPKI or PKCS#1
 * PEM, a JWK or JWK set in a file, or a JWK set at a URL. Of certificates it takes the one that is no CA's, and of a
 * set the RSA key for encryption that has the configured `kid`, else the first one.
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
      ? fromKeySet(await fetchKeySet(source.jwksUrl, source.tls), source.kid, source.jwksUrl)
      : await fromFile(source.path, source.kid);
  if (signingKey && createPublicKey(signingKey).equals(loaded.key)) throw ownKey(source);
  return loaded;
}

async function fromFile(path: string, kid: string | undefined): Promise<LoadedEncryptionKey> {
  const bytes = await readKeyFile(path);
  try {
    return parse(bytes.toString('utf8'), path, kid);
  } catch (error) {
    if (!(error instanceof KeyError) || error.code !== 'KEY_FORMAT_UNKNOWN') throw error;
    throw noPublicKey(path, conversionHint(bytes, path, 'encryptionKey'));
  }
}

function parse(text: string, path: string, kid: string | undefined): LoadedEncryptionKey {
  // What is trimmed includes a byte order mark.
  if (!text.trimStart().startsWith('{')) return fromPem(text, path, kid);
  const json = parseJson(text, path);
  const set = KeySet.safeParse(json);
  if (set.success) return fromKeySet(set.data.keys, kid, path);
  const jwk = Jwk.safeParse(json);
  if (!jwk.success) throw noPublicKey(path);
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
  const { key, certificate } = readPublicPem(text, path);
  const named = recipient(key, path, kid);
  const fingerprints = [keyFingerprint(named.key), certificate && certificateFingerprint(certificate)];
  return {
    ...named,
    ...(certificate && { certificate }),
    kidInDoubt: FINGERPRINT_PATTERN.test(named.kid) && !fingerprints.includes(named.kid),
  };
}

const FINGERPRINT_PATTERN = /^[0-9a-f]{64}$/;

function fromKeySet(members: unknown[], kid: string | undefined, origin: string): Recipient {
  const chosen = chooseJwk(members, kid, origin);
  return recipient(readJwk(chosen, origin), origin, chosen.kid);
}

function recipient(key: KeyObject, origin: string, kid: string | undefined): Recipient {
  return { kid: kid ?? keyFingerprint(key), key: requireRsa(key, origin) };
}

function parseJson(text: string, path: string): unknown {
  try {
    return parseJwkText(text);
  } catch {
    throw noPublicKey(path);
  }
}

function ownKey(source: EncryptionKeySource): KeyError {
  return new KeyError(
    'KEY_UNSUITABLE',
    `${'path' in source ? source.path : source.jwksUrl}: this key belongs to signingKey, so Mastercard could not ` +
      "read what is encrypted to it; encryptionKey must be Mastercard's own public key",
  );
}
