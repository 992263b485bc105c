import { createHash, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { looksLikePan } from './mask.js';

/**
 * What a key of the ring is used for. No key of the ring is used as such: each of these is derived from it by
 * HKDF-SHA-256 (RFC 5869) with a label of its own, so that who has one of them computes no other.
 */
export interface DerivedKeys {
  seal: KeyObject;
  digest: KeyObject;
  payload: KeyObject;
}

/** @param key 32 bytes in base64. */
export function deriveKeys(key: string): DerivedKeys {
  return {
    seal: derived(key, 'c2p seal v1'),
    digest: derived(key, DIGEST_LABEL),
    payload: derived(key, 'c2p payload v2'),
  };
}

/** @param secret of the ring, 32 bytes in base64. What authenticates payloads under whichever key they are encrypted. */
export function payloadMacKey(secret: string): KeyObject {
  return derived(secret, 'c2p payload mac v2');
}

/** What is kept of a key that is retired, in base64: from it, nothing else that the key gave can be had. */
export function retiredKey(key: string): string {
  return derived(key, DIGEST_LABEL).export().toString('base64');
}

/**
 * The id of a key: a name and the key's fingerprint, so that two keys never have the same id, and a key ring whose
 * key is not the one that its id says is noticed. It is computed from what is kept of a retired key, too, and says
 * nothing about the key.
 *
 * @param name 1 to 21 letters, digits, `-` or `_`, at most 6 of them digits.
 * @param retired of `retiredKey`.
 */
export function keyIdOf(name: string, retired: string): string {
  const digest = createHash('sha256').update('c2p key id v1').update(Buffer.from(retired, 'base64'));
  return `${name}-${digest.digest('hex').slice(0, FINGERPRINT_LENGTH)}`;
}

const KEY_ID = /^(?!(?:\D*\d){7}.*-)[A-Za-z0-9_-]{1,21}-[0-9a-f]{10}$/;

/**
 * Whether a text can be an id of `keyIdOf`. Who can write to the store or to Temporal chooses the ids there, and messages
 * show them: one that looks like a card number is none.
 */
export function isKeyId(text: string): boolean {
  return KEY_ID.test(text) && !looksLikePan(text);
}

/** The name in an id of `keyIdOf`. */
export function nameOf(keyId: string): string {
  return keyId.slice(0, -FINGERPRINT_LENGTH - 1);
}

/** The number in an id of a key that `c2p keys` made, each higher than the one before; NaN for another id. */
export function numberOf(keyId: string): number {
  return Number(/^k(\d{1,9})-/.exec(keyId)?.[1]);
}

const FINGERPRINT_LENGTH = 10;
const DIGEST_LABEL = 'c2p digest v1';

function derived(base64: string, label: string): KeyObject {
  const key = hkdfSync('sha256', Buffer.from(base64, 'base64'), Buffer.alloc(0), label, 32);
  return createSecretKey(Buffer.from(key));
}
