import { createHmac, createSecretKey, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { open as openFile } from 'node:fs/promises';
import { z } from 'zod';
import { readableByOthers } from './private-file.js';
import { KEY_ID_PATTERN, open, seal } from './seal.js';

/** A key ring as it is kept: `keys` holds 32 random bytes each, in base64; `current` names one of them. */
export interface KeyRingJson {
  current: string;
  keys: Record<string, string>;
}

/** A key ring that cannot be used. The message says where and what to do; it holds no part of a key. */
export class KeyRingError extends Error {
  override readonly name = 'KeyRingError';
  readonly code = 'KEY_RING_INVALID';

  constructor(
    /** Where the key ring came from, for instance the path of its file. */
    readonly source: string,
    problem: string,
  ) {
    super(`key ring ${source}: ${problem}`);
  }
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

const keyRingSchema = z.strictObject({ current: z.string(), keys: z.record(z.string(), z.string()) });

/** 32 bytes in base64. */
const KEY_PATTERN = /^[A-Za-z0-9+/]{43}=$/;
const DIGEST_PATTERN = /^([A-Za-z0-9_-]{1,32}):([0-9a-f]{64})$/;

interface DerivedKeys {
  seal: KeyObject;
  digest: KeyObject;
}

/**
 * The keys that protect what c2p keeps. The current one seals, every one opens: to rotate, add a key
 * and make it `current`; remove an old one once nothing is sealed under it. Removing a key is also the
 * one sure way to erase everything that was sealed under it, wherever copies of it are.
 *
 * No key of the ring is used as such: what seals and what digests are derived from it, by HKDF-SHA-256
 * with different labels.
 */
export class KeyRing {
  readonly #keys: ReadonlyMap<string, DerivedKeys>;
  readonly #current: DerivedKeys;

  private constructor(
    /** The id of the key that seals. */
    readonly currentKeyId: string,
    keys: ReadonlyMap<string, DerivedKeys>,
    current: DerivedKeys,
  ) {
    this.#keys = keys;
    this.#current = current;
  }

  /**
   * @param json what `JSON.parse` made of a `KeyRingJson`.
   * @param source where it came from; for messages.
   * @throws KeyRingError
   */
  static parse(json: unknown, source: string): KeyRing {
    const result = keyRingSchema.safeParse(json);
    if (!result.success) {
      throw new KeyRingError(
        source,
        'must be { "current": "<key id>", "keys": { "<key id>": "<base64 of 32 bytes>", … } } and nothing else',
      );
    }
    const keys = new Map<string, DerivedKeys>();
    Object.entries(result.data.keys).forEach(([id, key], i) => {
      if (!KEY_ID_PATTERN.test(id)) {
        const rule = 'must be 1 to 32 letters, digits, - or _';
        throw new KeyRingError(source, `the id of key ${i + 1} in "keys" ${rule}`);
      }
      if (!KEY_PATTERN.test(key)) {
        const rule = 'must be 32 bytes in base64, 44 characters as `openssl rand -base64 32` prints them';
        throw new KeyRingError(source, `keys.${id} ${rule}`);
      }
      keys.set(id, derive(Buffer.from(key, 'base64')));
    });
    const current = keys.get(result.data.current);
    if (!current) throw new KeyRingError(source, '"current" must name one of "keys"');
    return new KeyRing(result.data.current, keys, current);
  }

  /** A new key ring with one key, to be written where only its owner can read it. */
  static generate(): KeyRingJson {
    return { current: 'k1', keys: { k1: randomBytes(32).toString('base64') } };
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

  /** Whether the key is in the ring. */
  knows(keyId: string): boolean {
    return this.#keys.has(keyId);
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
    const [, keyId, hex] = DIGEST_PATTERN.exec(digest) ?? [];
    if (keyId === undefined || hex === undefined) throw new DigestError('unknownFormat');
    const keys = this.#keys.get(keyId);
    if (!keys) throw new DigestError('unknownKey', keyId);
    return timingSafeEqual(hmac(keys.digest, bytes), Buffer.from(hex, 'hex'));
  }
}

function derive(key: Uint8Array): DerivedKeys {
  const derived = (label: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), label, 32)));
  return { seal: derived('c2p seal v1'), digest: derived('c2p digest v1') };
}

function hmac(key: KeyObject, bytes: Uint8Array): Buffer {
  return createHmac('sha256', key).update(bytes).digest();
}

/**
 * Reads a key ring from its file, which only its owner may be able to read (not checked on Windows,
 * where modes say nothing).
 * @throws KeyRingError
 */
export async function loadKeyRing(path: string): Promise<KeyRing> {
  return KeyRing.parse(parseJson(await readPrivateFile(path), path), path);
}

async function readPrivateFile(path: string): Promise<string> {
  const file = await openFile(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new KeyRingError(path, unreadable(error));
  });
  try {
    const problem = readableByOthers(await file.stat(), path);
    if (problem) throw new KeyRingError(path, problem);
    return await file.readFile('utf8').catch((error: NodeJS.ErrnoException) => {
      throw new KeyRingError(path, unreadable(error));
    });
  } finally {
    await file.close();
  }
}

function unreadable({ code = 'unknown error' }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'there is no such file; set dataKeys.path to where the key ring is';
  return `cannot be read (${code}); set dataKeys.path to a file that this user can read`;
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The reason is left out because V8 quotes the text around the mistake, here a key.
    throw new KeyRingError(path, 'is not JSON');
  }
}
