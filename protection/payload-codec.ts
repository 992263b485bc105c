import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { KeyRingSource } from './key-ring.js';
import { KEY_ID_PATTERN } from './seal.js';

const PayloadProto = proto.temporal.api.common.v1.Payload;

/** Of the metadata of an encrypted payload; the names are those of Temporal's own samples. */
export const ENCRYPTED_ENCODING = 'binary/encrypted';
export const KEY_ID_METADATA = 'encryption-key-id';

const VERSION = 1;
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
const HEADER_LENGTH = 1 + NONCE_LENGTH;
const ALGORITHM = 'aes-256-gcm';

export type PayloadCodecReason = 'unknownKey' | 'altered' | 'malformed' | 'unknownFormat';

const EXPLANATIONS: Record<PayloadCodecReason, string> = {
  unknownKey:
    'the key ring has no such key: add it again on every worker and client (a key must be kept for as long as ' +
    'workflows that were encrypted under it are open or looked at)',
  altered:
    'it was altered, or the key ring has another key under this id: restore the key ring from a backup',
  malformed: 'it is too short, or does not name its key: it was altered, or another codec wrote it',
  unknownFormat: 'it is of a format that this version does not know: update c2p',
};

/** An encrypted payload that cannot be read. The message names its key and what to do, never its content. */
export class PayloadCodecError extends Error {
  override readonly name = 'PayloadCodecError';
  readonly code = 'PAYLOAD_UNREADABLE';

  constructor(
    readonly reason: PayloadCodecReason,
    /** Absent when the payload does not name one. */
    readonly keyId?: string,
  ) {
    const key = keyId === undefined ? '' : ` (key '${keyId}')`;
    super(`cannot decrypt a payload of Temporal${key}: ${EXPLANATIONS[reason]}`);
  }
}

/**
 * Encrypts everything that c2p hands to Temporal, payload by payload: AES-256-GCM over the whole Payload
 * message under the key ring's current key. Reads what any key of the ring encrypted, and leaves payloads
 * alone that are not encrypted. The format is described in `docs/payload-codec.md`.
 *
 * The key is one of its own, derived from that of the ring, so that what can read Temporal cannot read
 * the store. Nothing binds a payload to its workflow, since those who only look (a codec server) do not
 * know of which one it is.
 */
export class EncryptingPayloadCodec implements PayloadCodec {
  readonly #keyRing: KeyRingSource;
  readonly #encrypts: boolean;

  /** @param options.encrypts `false`: only reads, for where the codec is switched off. */
  constructor(keyRing: KeyRingSource, options: { encrypts?: boolean } = {}) {
    this.#keyRing = keyRing;
    this.#encrypts = options.encrypts ?? true;
  }

  /** The id of the key that encrypts now; nothing where the codec is switched off. */
  async keyId(): Promise<string | undefined> {
    return this.#encrypts ? (await this.#keyRing.latest()).currentKeyId : undefined;
  }

  /** @throws KeyRingError when the key ring could not be read for so long that its key may be retired. */
  async encode(payloads: Payload[]): Promise<Payload[]> {
    if (!this.#encrypts) return payloads;
    const keyRing = await this.#keyRing.latest();
    const keyId = keyRing.currentKeyId;
    const key = keyRing.payloadKey(keyId);
    if (!key) throw new PayloadCodecError('unknownKey', keyId);
    return payloads.map((payload) => encryptPayload(payload, keyId, key));
  }

  /** @throws PayloadCodecError */
  async decode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.all(
      payloads.map(async (payload) => {
        const keyId = payloadKeyId(payload);
        const keyRing =
          keyId !== undefined && KEY_ID_PATTERN.test(keyId) && (await this.#keyRing.knowing(keyId));
        if (!isEncrypted(payload)) return payload;
        return decryptPayload(payload, (id) => (keyRing ? keyRing.payloadKey(id) : undefined));
      }),
    );
  }
}

/** Whether a payload says that it is encrypted as this codec does. */
export function isEncrypted({ metadata }: Payload): boolean {
  return text(metadata?.['encoding']) === ENCRYPTED_ENCODING;
}

/** The id of the key that a payload is encrypted under; nothing for one that is not encrypted. */
export function payloadKeyId(payload: Payload): string | undefined {
  return isEncrypted(payload) ? text(payload.metadata?.[KEY_ID_METADATA]) : undefined;
}

/** @param nonce 12 bytes that this key has never been used with; only a test vector gives them. */
export function encryptPayload(
  payload: Payload,
  keyId: string,
  key: KeyObject,
  nonce: Uint8Array = randomBytes(NONCE_LENGTH),
): Payload {
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_LENGTH });
  cipher.setAAD(authenticated(keyId));
  const plaintext = PayloadProto.encode(payload).finish();
  return {
    metadata: { encoding: Buffer.from(ENCRYPTED_ENCODING), [KEY_ID_METADATA]: Buffer.from(keyId) },
    data: Buffer.concat([
      Buffer.from([VERSION]),
      nonce,
      cipher.update(plaintext),
      cipher.final(),
      cipher.getAuthTag(),
    ]),
  };
}

function decryptPayload(payload: Payload, keyOf: (keyId: string) => KeyObject | undefined): Payload {
  const keyId = text(payload.metadata?.[KEY_ID_METADATA]);
  if (keyId === undefined || !KEY_ID_PATTERN.test(keyId)) throw new PayloadCodecError('malformed');
  const data = payload.data ?? new Uint8Array();
  if (data.length < HEADER_LENGTH + TAG_LENGTH) throw new PayloadCodecError('malformed', keyId);
  if (data[0] !== VERSION) throw new PayloadCodecError('unknownFormat', keyId);
  const key = keyOf(keyId);
  if (!key) throw new PayloadCodecError('unknownKey', keyId);

  const decipher = createDecipheriv(ALGORITHM, key, data.subarray(1, HEADER_LENGTH), {
    authTagLength: TAG_LENGTH,
  });
  decipher.setAAD(authenticated(keyId));
  decipher.setAuthTag(data.subarray(-TAG_LENGTH));
  const plaintext = decipher.update(data.subarray(HEADER_LENGTH, -TAG_LENGTH));
  try {
    decipher.final();
  } catch {
    throw new PayloadCodecError('altered', keyId);
  }
  return PayloadProto.decode(plaintext);
}

/** What is authenticated besides the ciphertext: the format's version and the key's id. */
function authenticated(keyId: string): Buffer {
  return Buffer.from(`c2p-payload/${VERSION}/${keyId}`, 'ascii');
}

function text(bytes: Uint8Array | null | undefined): string | undefined {
  return bytes ? Buffer.from(bytes).toString('latin1') : undefined;
}
