import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { deriveKeys, isKeyId, keyIdOf, payloadMacKey, retiredKey, type DerivedKeys } from './derived-keys.js';
import { checkKeyRing, type KeyRingJson } from './key-ring-json.js';
import { open, seal } from './seal.js';

/**
 * Where the key ring is had from each time that it is used, since it may change while a process runs
 * (`LiveKeyRing`). A key ring that does not change is its own source.
 */
export interface KeyRingSource {
  /** The key ring to seal with. */
  latest(): Promise<KeyRing>;
  /** The key ring to open with what was sealed, or digested, under this key. */
  knowing(keyId: string): Promise<KeyRing>;
  /** The key ring as it was last read. */
  atHand(): KeyRing;
}

/** A digest that cannot be compared with anything. */
export class DigestError extends Error {
  override readonly name = 'DigestError';
  readonly code = 'DIGEST_UNREADABLE';

  constructor(
    readonly reason: 'unknownKey' | 'unknownFormat',
    readonly keyId?: string,
  ) {
    super(
      keyId === undefined
        ? 'cannot compare with a digest that is not of the form <key id>:<HMAC-SHA-256 in hex>'
        : `cannot compare with a digest made with key '${keyId}': the key ring has no such key, add it again`,
    );
  }
}

const DIGEST_PATTERN = /^([A-Za-z0-9_-]{1,32}):([0-9a-f]{64})$/;

/**
 * The keys that protect what c2p keeps. The current one seals, every one opens: to rotate, add a key
 * and make it `current`; remove an old one once nothing is sealed under it. Removing a key is also the
 * one sure way to erase everything that was sealed under it, wherever copies of it are.
 */
export class KeyRing implements KeyRingSource {
  readonly #keys: ReadonlyMap<string, DerivedKeys>;
  readonly #current: DerivedKeys;

  /** What compares the digests that were made with keys that are gone. */
  readonly #retired: ReadonlyMap<string, KeyObject>;

  private constructor(
    /** The id of the key that seals. */
    readonly currentKeyId: string,
    keys: ReadonlyMap<string, DerivedKeys>,
    current: DerivedKeys,
    retired: ReadonlyMap<string, KeyObject>,
    /** Since when it does, where the key ring says so. */
    readonly currentSince: Date | undefined,
    /** What authenticates payloads for Temporal, whichever key they are encrypted under (`payload-codec.ts`). */
    readonly payloadMacKey: KeyObject,
  ) {
    this.#keys = keys;
    this.#current = current;
    this.#retired = retired;
  }

  /**
   * @param json what `JSON.parse` made of a `KeyRingJson`.
   * @param source where it came from; for messages.
   * @throws KeyRingError
   */
  static parse(json: unknown, source: string): KeyRing {
    const { current, keys, retired = {}, currentSince, secret } = checkKeyRing(json, source);
    const derived = new Map(Object.entries(keys).map(([id, key]) => [id, deriveKeys(key)]));
    const digesting = new Map(
      Object.entries(retired).map(([id, key]) => [id, createSecretKey(Buffer.from(key, 'base64'))]),
    );
    const since = currentSince === undefined ? undefined : new Date(currentSince);
    return new KeyRing(current, derived, derived.get(current)!, digesting, since, payloadMacKey(secret));
  }

  /** A new key ring with one key, to be written where only its owner can read it. */
  static generate(): KeyRingJson {
    const now = new Date().toISOString();
    const [key, secret] = [newSecret(), newSecret()];
    const current = keyIdOf('k1', retiredKey(key));
    return { current, keys: { [current]: key }, made: { [current]: now }, currentSince: now, secret };
  }

  latest(): Promise<this> {
    return Promise.resolve(this);
  }

  knowing(): Promise<this> {
    return Promise.resolve(this);
  }

  atHand(): this {
    return this;
  }

  /** How many keys open what is sealed under them. */
  get size(): number {
    return this.#keys.size;
  }

  /** Whether what is sealed under the key can be opened: a retired one opens nothing. */
  opens(keyId: string): boolean {
    return this.#keys.has(keyId);
  }

  /** Whether the key is in the ring, or was and is retired. */
  knows(keyId: string): boolean {
    return this.#keys.has(keyId) || this.#retired.has(keyId);
  }

  /**
   * Encrypts and authenticates (AES-256-GCM, current key); the format is described in `seal.ts`.
   * @param context what the plaintext is and whom it belongs to; needed again to open, and part of
   *   error messages. Different things must have different contexts.
   */
  seal(plaintext: Uint8Array, context: string): Uint8Array {
    return seal(plaintext, context, this.currentKeyId, this.#current.seal);
  }

  /**
   * Gives back what was sealed in this context, with any key of the ring.
   * @throws SealedBlobError
   */
  open(sealed: Uint8Array, context: string): Uint8Array {
    return open(sealed, context, (keyId) => this.#keys.get(keyId)?.seal);
  }

  /**
   * A keyed digest (HMAC-SHA-256, current key): says whether two byte strings are the same, and nothing
   * about them to who does not have the key.
   * @returns `<key id>:<64 hex digits>`
   */
  digest(bytes: Uint8Array): string {
    return `${this.currentKeyId}:${hmac(this.#current.digest, bytes).toString('hex')}`;
  }

  /**
   * Whether `digest` made this of the same bytes, with any key of the ring. Takes the same time
   * wherever they differ.
   * @throws DigestError
   */
  digestMatches(bytes: Uint8Array, digest: string): boolean {
    const { keyId, hex } = partsOf(digest);
    const key = this.#keys.get(keyId)?.digest ?? this.#retired.get(keyId);
    if (!key) throw new DigestError('unknownKey', keyId);
    return timingSafeEqual(hmac(key, bytes), Buffer.from(hex, 'hex'));
  }

  /** The key that encrypts payloads for Temporal (`payload-codec.ts`); nothing for an id that the ring does not have. */
  payloadKey(keyId: string): KeyObject | undefined {
    return this.#keys.get(keyId)?.payload;
  }
}

function hmac(key: KeyObject, bytes: Uint8Array): Buffer {
  return createHmac('sha256', key).update(bytes).digest();
}

/** 32 random bytes in base64, as a key ring keeps them. */
export function newSecret(): string {
  return randomBytes(32).toString('base64');
}

/** The id of the key that a digest was made with. @throws DigestError */
export function digestKeyId(digest: string): string {
  return partsOf(digest).keyId;
}

function partsOf(digest: string): { keyId: string; hex: string } {
  const [, keyId, hex] = DIGEST_PATTERN.exec(digest) ?? [];
  if (keyId === undefined || hex === undefined || !isKeyId(keyId)) throw new DigestError('unknownFormat');
  return { keyId, hex };
}
