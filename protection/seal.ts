import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isKeyId } from './derived-keys.js';

/**
 * A sealed blob, byte by byte:
 *
 * | offset  | length | what                                                             |
 * |---------|--------|------------------------------------------------------------------|
 * | 0       | 3      | magic, ASCII `c2p`                                               |
 * | 3       | 1      | version of the format, 1                                         |
 * | 4       | 1      | k: length of the key id, 1 to 32                                 |
 * | 5       | k      | key id, ASCII                                                    |
 * | 5+k     | 4      | n: length of the ciphertext, and so of the plaintext, big-endian |
 * | 9+k     | 12     | IV, random                                                       |
 * | 21+k    | n      | ciphertext, AES-256-GCM                                          |
 * | 21+k+n  | 16     | authentication tag                                               |
 *
 * Authenticated besides the ciphertext: everything before the IV, then the context in UTF-8. The
 * context is not in the blob: the reader must know what it is about, and a blob that was moved
 * elsewhere does not open there.
 *
 * Random 96-bit IVs bound one key to 2^32 blobs (NIST SP 800-38D, 8.3): a thousand a second for 49
 * days, or five a batch for 850 million batches. Let the key ring's `current` move on well before.
 */
const MAGIC = Buffer.from('c2p', 'ascii');
const VERSION = 1;
const IV_LENGTH = 12;
const TAG_LENGTH = 16;
/** More than any batch has: who can write to the store cannot fill the memory of who reads it. */
export const MAX_SEALED_BYTES = 64 * 1024 * 1024;
/** So many bytes from the beginning hold the key id, whatever its length. */
export const HEADER_PREFIX = 37;
const ALGORITHM = 'aes-256-gcm';

export type SealedBlobReason = 'truncated' | 'altered' | 'replaced' | 'unknownKey' | 'unknownFormat';

const EXPLANATIONS: Record<SealedBlobReason, string> = {
  truncated:
    'it ends too early: restore it from a backup, or start the batch again from the issuer’s records',
  altered:
    'it was altered, or moved from where it was sealed, or the key ring has another key under this id: ' +
    'restore the blob or the key ring from a backup',
  replaced:
    'it was sealed for this batch, and is not the one that was written last: an older one was put back; restore ' +
    'the newer one from a backup',
  unknownKey: 'the key ring has no such key: add it again (the key ring keeps a key as long as it is in use)',
  unknownFormat: 'it is no sealed blob of a version that this c2p knows: check the path, or update c2p',
};

/** A sealed blob does not open. The message names its context, its key and what to do, never its content. */
export class SealedBlobError extends Error {
  override readonly name = 'SealedBlobError';
  readonly code = 'SEALED_BLOB_UNREADABLE';

  constructor(
    readonly reason: SealedBlobReason,
    readonly context: string,
    /** Absent when the blob does not say. */
    readonly keyId?: string,
  ) {
    const key = keyId === undefined ? '' : ` (key '${keyId}')`;
    super(`cannot open the sealed blob of ${context}${key}: ${EXPLANATIONS[reason]}`);
  }
}

/** Seals with a 32-byte key; `keyId` is one of `keyIdOf`. @throws RangeError for more than would be read again */
export function seal(plaintext: Uint8Array, context: string, keyId: string, key: KeyObject): Buffer {
  const id = Buffer.from(keyId, 'ascii');
  const header = Buffer.concat([MAGIC, Buffer.from([VERSION, id.length]), id, Buffer.alloc(4)]);
  header.writeUInt32BE(plaintext.length, header.length - 4);
  const iv = randomBytes(IV_LENGTH);
  const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_LENGTH });
  cipher.setAAD(authenticated(header, context));
  const sealed = Buffer.concat([header, iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  if (sealed.length > MAX_SEALED_BYTES)
    throw new RangeError(
      `${context} has more than the ${MAX_SEALED_BYTES} bytes that a sealed blob may have`,
    );
  return sealed;
}

/**
 * Opens what `seal` made.
 * @param keyOf finds a key by its id.
 * @throws SealedBlobError
 */
export function open(
  sealed: Uint8Array,
  context: string,
  keyOf: (keyId: string) => KeyObject | undefined,
): Buffer {
  const blob = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  const refuse = (reason: SealedBlobReason, keyId?: string) => new SealedBlobError(reason, context, keyId);

  if (!MAGIC.subarray(0, blob.length).equals(blob.subarray(0, MAGIC.length))) throw refuse('unknownFormat');
  if (blob.length < 5) throw refuse('truncated');
  if (blob[3] !== VERSION) throw refuse('unknownFormat');
  const headerLength = 9 + (blob[4] ?? 0);
  if (blob.length < headerLength) throw refuse('truncated');
  const keyId = blob.toString('latin1', 5, headerLength - 4);
  if (!isKeyId(keyId)) throw refuse('altered');
  const bodyStart = headerLength + IV_LENGTH;
  const bodyEnd = bodyStart + blob.readUInt32BE(headerLength - 4);
  if (blob.length < bodyEnd + TAG_LENGTH) throw refuse('truncated', keyId);
  if (blob.length > bodyEnd + TAG_LENGTH) throw refuse('altered', keyId);
  const key = keyOf(keyId);
  if (!key) throw refuse('unknownKey', keyId);

  const decipher = createDecipheriv(ALGORITHM, key, blob.subarray(headerLength, bodyStart), {
    authTagLength: TAG_LENGTH,
  });
  decipher.setAAD(authenticated(blob.subarray(0, headerLength), context));
  decipher.setAuthTag(blob.subarray(bodyEnd));
  const plaintext = decipher.update(blob.subarray(bodyStart, bodyEnd));
  try {
    decipher.final();
  } catch {
    throw refuse('altered', keyId);
  }
  return plaintext;
}

/**
 * The id of the key that a blob says it is sealed under; nothing for what is no sealed blob of this version.
 * @param sealed the blob, or as much of its beginning as `HEADER_PREFIX` says.
 */
export function sealedUnder(sealed: Uint8Array): string | undefined {
  const blob = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (!blob.subarray(0, 3).equals(MAGIC) || blob[3] !== VERSION) return undefined;
  const end = 5 + (blob[4] ?? 0);
  const keyId = blob.toString('latin1', 5, end);
  return blob.length >= end && isKeyId(keyId) ? keyId : undefined;
}

function authenticated(header: Uint8Array, context: string): Buffer {
  return Buffer.concat([header, Buffer.from(context, 'utf8')]);
}
