import { createHash, type KeyObject } from 'node:crypto';
import { CompactEncrypt } from 'jose';
import { keyFingerprint } from './certificates.js';

declare const compactJwe: unique symbol;

/** A compact JWE that `encryptEnrollmentData` made, and the only thing that can be sent as `enrollmentData`. */
export type CompactJwe = string & { readonly [compactJwe]: true };

export const KEY_ENCRYPTION = 'RSA-OAEP-256';
export const CONTENT_ENCRYPTIONS = ['A128GCM', 'A256GCM'] as const;
export type ContentEncryption = (typeof CONTENT_ENCRYPTIONS)[number];

/** Whom to encrypt to: Mastercard's public key and the id that Mastercard knows it by. */
export interface Recipient {
  kid: string;
  /** RSA, at least 2048 bits. */
  key: KeyObject;
}

/** Tells recipients apart: 16 hex digits, the same for the same key under the same `kid`, and only then. */
export function recipientMark({ kid, key }: Recipient): string {
  return createHash('sha256')
    .update(`${keyFingerprint(key)} ${kid}`)
    .digest('hex')
    .slice(0, 16);
}

/** A text is no JWE of ours. Says why, never what the text is. */
export class JweError extends Error {
  override readonly name = 'JweError';
  readonly code = 'JWE_MALFORMED';
}

/**
 * Encrypts the plaintext that an `EnrollmentApi` made of a batch's records to Mastercard: a compact JWE (RFC 7516) with the protected header
 * `{"kid","alg":"RSA-OAEP-256","enc"}`, 12-byte IV and 16-byte tag. The same records give another token
 * at each call: encrypt once, and resend what came out.
 */
export async function encryptEnrollmentData(
  payload: object,
  recipient: Recipient,
  enc: ContentEncryption,
): Promise<CompactJwe> {
  const token = await new CompactEncrypt(Buffer.from(JSON.stringify(payload), 'utf8'))
    .setProtectedHeader({ kid: recipient.kid, alg: KEY_ENCRYPTION, enc })
    .encrypt(recipient.key);
  return token as CompactJwe;
}

/**
 * Recognises a token that `encryptEnrollmentData` made and that was kept since, so that nothing in clear
 * is ever taken for one.
 * @throws JweError when the text has not five parts of canonical base64url with the sizes of a JWE, or
 * its protected header is not one of ours.
 */
export function asCompactJwe(text: string): CompactJwe {
  const parts = text.split('.');
  if (parts.length !== 5) throw new JweError('not a compact JWE: it has not five parts');
  const [header, encryptedKey, iv, ciphertext, tag] = parts.map(decodePart) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  requireOurHeader(header);
  if (encryptedKey.length < 256 || iv.length !== 12 || ciphertext.length === 0 || tag.length !== 16) {
    throw new JweError('not a compact JWE of ours: a part has the wrong size');
  }
  return text as CompactJwe;
}

function decodePart(part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  // Decoding skips what is not base64url; only a canonical text comes back the same.
  if (bytes.toString('base64url') !== part) throw new JweError('not a compact JWE: a part is not base64url');
  return bytes;
}

function requireOurHeader(bytes: Buffer): void {
  let header: unknown;
  try {
    header = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new JweError('not a compact JWE: its protected header is not JSON');
  }
  const { alg, enc } = (header ?? {}) as { alg?: unknown; enc?: unknown };
  if (alg !== KEY_ENCRYPTION || !(CONTENT_ENCRYPTIONS as readonly unknown[]).includes(enc)) {
    throw new JweError('not a compact JWE of ours: its protected header names another alg or enc');
  }
}
