import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Payload, PayloadCodec, SerializationContext } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { KeyRingSource } from './key-ring.js';
import { REFUSED_ENCODING, type PayloadRefusal } from './refused-payload.js';
import { isKeyId } from './derived-keys.js';

const PayloadProto = proto.temporal.api.common.v1.Payload;

/** Of the metadata of an encrypted payload; the first two names are those of Temporal's own samples. */
export const ENCRYPTED_ENCODING = 'binary/encrypted';
export const KEY_ID_METADATA = 'encryption-key-id';
const NAMESPACE_METADATA = 'c2p-namespace';
const WORKFLOW_METADATA = 'c2p-workflow-id';

const VERSION = 2;
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
const MAC_LENGTH = 32;
const HEADER_LENGTH = 1 + NONCE_LENGTH;
const ALGORITHM = 'aes-256-gcm';

export type PayloadCodecReason = 'unknownKey' | PayloadRefusal;

const EXPLANATIONS: Record<PayloadCodecReason, string> = {
  unknownKey:
    'the key ring has no such key: add it again on every worker and client (a key must be kept for as long as ' +
    'workflows that were encrypted under it are open or looked at)',
  clear:
    'it is in clear: who wrote it has no key ring, or `"codec": false` in its configuration, which only a whole ' +
    'deployment can have',
  malformed:
    'it is too short, or does not name its key and its workflow: it was altered, or another codec wrote it',
  unknownFormat: 'it is of a format that this version does not know: update c2p',
  altered: 'it was altered, or who wrote it has another key ring: copy the key ring from a worker',
  elsewhere: 'it was written for another workflow or namespace, and copied from there',
};

/** A payload that cannot be read. The message names its key and what to do, never its content. */
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

export interface PayloadCodecOptions {
  /** `false` where the codec is switched off: it writes in clear, and reads what is in clear. */
  encrypts?: boolean;
  /**
   * What becomes of a payload that was not written with this key ring for this workflow. A client throws. A worker must
   * not: Temporal would repeat the workflow task for ever. It makes a marker of it, of which `payload-converter.cjs`
   * makes a value that is refused where it is used (default `throw`).
   */
  refusals?: 'throw' | 'mark';
  /** The namespace that payloads are read for, where the SDK does not know it: in a replay. */
  namespace?: string | undefined;
}

/** Of what the SDK writes without saying for which workflow, as why a workflow task failed: no workflow reads it. */
const NOBODY: PayloadOwner = { namespace: '', workflowId: '' };

/** The workflow that a payload is of. */
export interface PayloadOwner {
  namespace: string;
  workflowId: string;
}

/**
 * Encrypts everything that c2p hands to Temporal, payload by payload: AES-256-GCM over the whole Payload message under
 * the key ring's current key. Reads what any key of the ring encrypted for the same workflow. The format is described
 * in `docs/payload-codec.md`.
 *
 * A MAC under the ring's secret, which outlives its keys, tells a payload whose key is missing, which is waited for,
 * from one that somebody without the key ring wrote, which is refused for good.
 */
export class EncryptingPayloadCodec implements PayloadCodec {
  readonly #keyRing: KeyRingSource;
  readonly #encrypts: boolean;
  readonly #marks: boolean;
  readonly #namespace: string | undefined;

  constructor(
    keyRing: KeyRingSource,
    { encrypts = true, refusals = 'throw', namespace }: PayloadCodecOptions = {},
  ) {
    this.#keyRing = keyRing;
    this.#encrypts = encrypts;
    this.#marks = refusals === 'mark';
    this.#namespace = namespace;
  }

  /** The id of the key that encrypts now; nothing where the codec is switched off. */
  async keyId(): Promise<string | undefined> {
    return this.#encrypts ? (await this.#keyRing.latest()).currentKeyId : undefined;
  }

  /**
   * @param context the workflow that the payloads are of, as the SDK gives it.
   * @throws KeyRingError when the key ring could not be read for so long that its key may be retired.
   */
  async encode(payloads: Payload[], context?: SerializationContext): Promise<Payload[]> {
    if (!this.#encrypts || payloads.length === 0) return payloads;
    const keyRing = await this.#keyRing.latest();
    const keyId = keyRing.currentKeyId;
    const keys = { encryption: keyRing.payloadKey(keyId)!, mac: keyRing.payloadMacKey };
    const owner = this.#ownerIn(context) ?? NOBODY;
    return payloads.map((payload) => encryptPayload(payload, owner, keyId, keys));
  }

  /**
   * @param context absent where the reader does not know whose the payloads are (a codec server): then they are read as
   *   those of the workflow that they name.
   * @throws PayloadCodecError for a key that is missing; for other reasons, unless they are marked.
   */
  async decode(payloads: Payload[], context?: SerializationContext): Promise<Payload[]> {
    return Promise.all(payloads.map((payload) => this.#decodeOne(payload, this.#ownerIn(context))));
  }

  async #decodeOne(payload: Payload, owner: PayloadOwner | undefined): Promise<Payload> {
    if (!isEncrypted(payload)) return this.#encrypts ? this.#refuse('clear') : payload;
    const sealed = parsed(payload);
    if (typeof sealed === 'string') return this.#refuse(sealed);
    const { keyId } = sealed;
    if (!isAuthentic(sealed, this.#keyRing.atHand().payloadMacKey)) return this.#refuse('altered', keyId);
    const isOurs =
      !owner || (owner.namespace === sealed.owner.namespace && owner.workflowId === sealed.owner.workflowId);
    if (!isOurs) return this.#refuse('elsewhere', keyId);
    const key = (await this.#keyRing.knowing(keyId)).payloadKey(keyId);
    if (!key) throw new PayloadCodecError('unknownKey', keyId);
    return decrypted(sealed, key) ?? this.#refuse('altered', keyId);
  }

  #ownerIn(context: SerializationContext | undefined): PayloadOwner | undefined {
    if (context?.workflowId === undefined) return undefined;
    return { namespace: this.#namespace ?? context.namespace, workflowId: context.workflowId };
  }

  #refuse(reason: PayloadRefusal, keyId?: string): Payload {
    if (this.#marks)
      return { metadata: { encoding: Buffer.from(REFUSED_ENCODING) }, data: Buffer.from(reason) };
    throw new PayloadCodecError(reason, keyId);
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

/** What encrypts a payload, and what shows who wrote it. */
export interface PayloadKeys {
  encryption: KeyObject;
  mac: KeyObject;
}

/** @param nonce 12 bytes that this key has never been used with; only a test vector gives them. */
export function encryptPayload(
  payload: Payload,
  owner: PayloadOwner,
  keyId: string,
  { encryption, mac }: PayloadKeys,
  nonce: Uint8Array = randomBytes(NONCE_LENGTH),
): Payload {
  const cipher = createCipheriv(ALGORITHM, encryption, nonce, { authTagLength: TAG_LENGTH });
  const bound = boundTo(owner, keyId);
  cipher.setAAD(bound);
  const body = Buffer.concat([
    Buffer.from([VERSION]),
    nonce,
    cipher.update(PayloadProto.encode(payload).finish()),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  return {
    metadata: {
      encoding: Buffer.from(ENCRYPTED_ENCODING),
      [KEY_ID_METADATA]: Buffer.from(keyId),
      [NAMESPACE_METADATA]: Buffer.from(owner.namespace),
      [WORKFLOW_METADATA]: Buffer.from(owner.workflowId),
    },
    data: Buffer.concat([body, macOf(bound, body, mac)]),
  };
}

interface Sealed {
  keyId: string;
  owner: PayloadOwner;
  /** What is authenticated beside the body. */
  bound: Uint8Array;
  body: Uint8Array;
  mac: Uint8Array;
}

function parsed({ metadata, data }: Payload): Sealed | 'malformed' | 'unknownFormat' {
  const [keyId, namespace, workflowId] = [KEY_ID_METADATA, NAMESPACE_METADATA, WORKFLOW_METADATA].map(
    (name) => utf8(metadata?.[name]),
  );
  if (keyId === undefined || !isKeyId(keyId)) return 'malformed';
  if (!data || data.length === 0) return 'malformed';
  if (data[0] !== VERSION) return 'unknownFormat';
  if (data.length < HEADER_LENGTH + TAG_LENGTH + MAC_LENGTH) return 'malformed';
  if (namespace === undefined || workflowId === undefined) return 'malformed';
  const body = data.subarray(0, -MAC_LENGTH);
  const owner = { namespace, workflowId };
  return { keyId, owner, bound: boundTo(owner, keyId), body, mac: data.subarray(-MAC_LENGTH) };
}

function isAuthentic({ bound, body, mac }: Sealed, key: KeyObject): boolean {
  return timingSafeEqual(macOf(bound, body, key), mac);
}

/** Nothing where the tag does not fit. */
function decrypted({ bound, body }: Sealed, key: KeyObject): Payload | undefined {
  const nonce = body.subarray(1, HEADER_LENGTH);
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_LENGTH });
  decipher.setAAD(bound);
  decipher.setAuthTag(body.subarray(-TAG_LENGTH));
  const plaintext = decipher.update(body.subarray(HEADER_LENGTH, -TAG_LENGTH));
  try {
    decipher.final();
    return PayloadProto.decode(plaintext);
  } catch {
    return undefined;
  }
}

function macOf(bound: Uint8Array, body: Uint8Array, key: KeyObject): Buffer {
  return createHmac('sha256', key).update(bound).update(body).digest();
}

/** What is authenticated besides the ciphertext. A length before each text: no two owners give the same bytes. */
function boundTo({ namespace, workflowId }: PayloadOwner, keyId: string): Buffer {
  const texts = [keyId, namespace, workflowId].map((text) => Buffer.from(text));
  const parts = texts.flatMap((text) => [Buffer.from(`/${text.length}/`), text]);
  return Buffer.concat([Buffer.from(`c2p-payload/${VERSION}`), ...parts]);
}

function text(bytes: Uint8Array | null | undefined): string | undefined {
  return bytes ? Buffer.from(bytes).toString('latin1') : undefined;
}

/** Nothing for bytes that are no UTF-8: two such texts could look the same. */
function utf8(bytes: Uint8Array | null | undefined): string | undefined {
  const read = bytes && Buffer.from(bytes).toString();
  return read !== undefined && read !== null && Buffer.from(read).equals(Buffer.from(bytes!))
    ? read
    : undefined;
}
