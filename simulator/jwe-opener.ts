import { constants, createDecipheriv, createHash, createPublicKey, privateDecrypt } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { invalidArgument } from './api-error.js';

const CIPHERS = { A128GCM: 'aes-128-gcm', A256GCM: 'aes-256-gcm' } as const;

/**
 * The key id that Mastercard's libraries derive: lower-case hex SHA-256 of the DER SubjectPublicKeyInfo.
 *
 * @param privateKey the private half of the key pair
 */
export function fingerprintOf(privateKey: KeyObject): string {
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex');
}

/**
 * Opens a compact JWE (RFC 7516) with `RSA-OAEP-256` and `A128GCM` or `A256GCM`, with an IV of 12 or 16
 * bytes and a tag of 16. Tolerates `/` in the base64url, which Mastercard's Node library leaves there.
 *
 * @param token `enrollmentData` as received
 * @param key the recipient's private key
 * @param encryptions which `enc` it takes
 * @param kids key ids that mean this key; a token without `kid` is accepted
 * @returns the plaintext
 * @throws ApiError 400 INVALID_ARGUMENT that says what is wrong with `enrollmentData`: `INVALID_FORMAT` (no
 * compact JWE, or an algorithm or length that is not supported), `INVALID_VALUE` (another key's `kid`),
 * `CORRUPT_DATA` (not encrypted for this key, or altered)
 */
export function openJwe(
  token: string,
  key: KeyObject,
  kids: ReadonlySet<string>,
  encryptions: readonly string[] = Object.keys(CIPHERS),
): Buffer {
  const parts = token.split('.');
  if (parts.length !== 5 || !parts.every((part) => /^[A-Za-z0-9_/-]+$/.test(part))) {
    throw refused('INVALID_FORMAT', 'Not a compact JWE of five base64url parts');
  }
  const [header, encryptedKey, iv, ciphertext, tag] = parts.map((part) => Buffer.from(part, 'base64')) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  const { alg, enc, kid, zip, crit } = parseHeader(header);
  if (alg !== 'RSA-OAEP-256') throw refused('INVALID_FORMAT', 'alg must be RSA-OAEP-256');
  if ((enc !== 'A128GCM' && enc !== 'A256GCM') || !encryptions.includes(enc)) {
    throw refused('INVALID_FORMAT', `enc must be ${encryptions.join(' or ')}`);
  }
  if (zip !== undefined || crit !== undefined)
    throw refused('INVALID_FORMAT', 'zip and crit are not supported');
  if (kid !== undefined && !(typeof kid === 'string' && kids.has(kid))) {
    throw refused('INVALID_VALUE', 'kid is not that of the encryption key of this client');
  }
  if (iv.length !== 12 && iv.length !== 16)
    throw refused('INVALID_FORMAT', 'The IV must have 12 or 16 bytes');
  if (tag.length !== 16) throw refused('INVALID_FORMAT', 'The tag must have 16 bytes');

  try {
    const contentKey = privateDecrypt(
      { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
      encryptedKey,
    );
    const decipher = createDecipheriv(CIPHERS[enc], contentKey, iv, { authTagLength: 16 });
    decipher.setAAD(Buffer.from(parts[0] ?? '', 'ascii'));
    decipher.setAuthTag(tag);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  } catch {
    throw refused('CORRUPT_DATA', 'Cannot be decrypted: encrypted for another key, or altered');
  }
}

function parseHeader(bytes: Buffer): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof header === 'object' && header !== null) return header as Record<string, unknown>;
  } catch {
    // Falls through: the parser's message would quote the header.
  }
  throw refused('INVALID_FORMAT', 'The protected header is not a JSON object');
}

function refused(reason: string, message: string) {
  return invalidArgument([{ reason, source: 'enrollmentData', sourceType: 'BODY', message }]);
}
