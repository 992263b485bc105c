import { z } from 'zod';
import { isKeyId, keyIdOf, nameOf, retiredKey } from './derived-keys.js';

/** A key ring as it is kept. */
export interface KeyRingJson {
  /** The id of the key that seals; one of `keys`. */
  current: string;
  /** 32 random bytes each, in base64, by key id: a name and the key's fingerprint (`keyIdOf`). */
  keys: Record<string, string>;
  /**
   * Keys that are gone, by key id. What is left of each (32 bytes in base64) only compares digests that
   * were made with it; it opens nothing.
   */
  retired?: Record<string, string> | undefined;
  /** When each key was made, ISO 8601, UTC. */
  made?: Record<string, string> | undefined;
  /** Since when `current` is, ISO 8601, UTC. */
  currentSince?: string | undefined;
  /** 32 random bytes in base64 that outlive every key: what shows that a payload of Temporal was written with this ring. */
  secret: string;
}

/** A key ring that cannot be had or used. The message says where and what to do; it holds no part of a key. */
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

/** Of hundreds of keys; one has about 60 bytes. */
export const MAX_KEY_RING_BYTES = 65_536;

const schema = z.strictObject({
  current: z.string(),
  keys: z.record(z.string(), z.string()),
  retired: z.record(z.string(), z.string()).optional(),
  made: z.record(z.string(), z.iso.datetime()).optional(),
  currentSince: z.iso.datetime().optional(),
  secret: z.string(),
});

/** 32 bytes in base64. */
const KEY_PATTERN = /^[A-Za-z0-9+/]{43}=$/;

/**
 * Checks what `JSON.parse` made of a key ring.
 * @param source where it came from; for messages.
 * @throws KeyRingError
 */
export function checkKeyRing(json: unknown, source: string): KeyRingJson {
  const result = schema.safeParse(json);
  if (!result.success) {
    throw new KeyRingError(
      source,
      'must be { "current": "<key id>", "keys": { "<key id>": "<base64 of 32 bytes>", … }, "secret": "<base64 of 32 bytes>" } with at most ' +
        '"retired" (as "keys"), "made" (a date for a key id) and "currentSince" (a date) besides, and nothing else',
    );
  }
  const { current, keys, retired = {}, made = {}, secret } = result.data;
  const checkBytes = (field: string, text: string) => {
    if (KEY_PATTERN.test(text)) return;
    const rule = 'must be 32 bytes in base64, 44 characters as `openssl rand -base64 32` prints them';
    throw new KeyRingError(source, `${field} ${rule}`);
  };
  const checkId = (field: string, id: string, kept: string) => {
    const expected = keyIdOf(nameOf(id), kept);
    if (id === expected) return;
    const rule =
      "is not the key that its id says: a key's id ends in its fingerprint; copy the key ring from a worker";
    throw new KeyRingError(source, `${field}.${id} ${rule}`);
  };
  const checkIds = (field: string, ids: readonly string[]) => {
    const wrong = ids.findIndex((id) => !isKeyId(id));
    if (wrong < 0) return;
    const rule =
      'must be a name of 1 to 21 letters, digits, - or _, at most 6 of them digits, a dash and the fingerprint of the key';
    throw new KeyRingError(source, `the id of key ${wrong + 1} in "${field}" ${rule}`);
  };
  for (const [field, held] of Object.entries({ keys, retired })) {
    checkIds(field, Object.keys(held));
    for (const [id, key] of Object.entries(held)) {
      checkBytes(`${field}.${id}`, key);
      checkId(field, id, field === 'retired' ? key : retiredKey(key));
    }
  }
  checkBytes('secret', secret);
  checkIds('made', Object.keys(made));
  const twice = Object.keys(retired).find((id) => Object.hasOwn(keys, id));
  if (twice !== undefined) throw new KeyRingError(source, `"${twice}" is both in "keys" and in "retired"`);
  if (!Object.hasOwn(keys, current)) throw new KeyRingError(source, '"current" must name one of "keys"');
  return result.data;
}

/**
 * Reads a key ring from its text.
 * @throws KeyRingError
 */
export function parseKeyRing(text: string, source: string): KeyRingJson {
  let json: unknown;
  try {
    // Some editors write a byte order mark.
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    // The reason is left out because V8 quotes the text around the mistake, here a key.
    throw new KeyRingError(source, 'is not JSON');
  }
  return checkKeyRing(json, source);
}
