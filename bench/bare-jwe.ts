import { constants, createCipheriv, publicEncrypt, randomBytes } from 'node:crypto';
import type { Recipient } from '../mastercard/jwe.js';

/**
 * The least that a compact JWE of this payload can cost: RSA-OAEP-256 and A128GCM by node:crypto,
 * nothing checked, the key imported by the caller. What `encryptEnrollmentData` is compared with.
 */
export function encryptBare(payload: object, { kid, key }: Recipient): string {
  const header = base64url(JSON.stringify({ kid, alg: 'RSA-OAEP-256', enc: 'A128GCM' }));
  const contentKey = randomBytes(16);
  const encryptedKey = publicEncrypt(
    { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
    contentKey,
  );
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-128-gcm', contentKey, iv);
  cipher.setAAD(Buffer.from(header, 'ascii'));
  const ciphertext = Buffer.concat([cipher.update(JSON.stringify(payload), 'utf8'), cipher.final()]);
  return [header, ...[encryptedKey, iv, ciphertext, cipher.getAuthTag()].map(base64url)].join('.');
}

function base64url(bytes: string | Uint8Array): string {
  return Buffer.from(bytes as Uint8Array).toString('base64url');
}
