import { isKeyId, keyIdOf, numberOf, retiredKey } from './derived-keys.js';
import type { KeyRingJson } from './key-ring-json.js';
import { newSecret } from './key-ring.js';

/** Adds a key that is not used yet: its name is `k` and a number that no key of the ring has had. */
export function withNewKey(ring: KeyRingJson, now: Date): { ring: KeyRingJson; keyId: string } {
  const numbers = Object.keys({ ...ring.keys, ...ring.retired, ...ring.made }).map((id) => numberOf(id) || 0);
  const name = `k${Math.max(...numbers) + 1}`;
  let [key, keyId] = ['', ''];
  // Once in thousands of times, the id looks like a card number.
  while (!isKeyId(keyId)) {
    key = newSecret();
    keyId = keyIdOf(name, retiredKey(key));
  }
  const keys = { ...ring.keys, [keyId]: key };
  return { ring: { ...ring, keys, made: { ...ring.made, [keyId]: now.toISOString() } }, keyId };
}

/** Makes a key of the ring the one that seals. */
export function withCurrent(ring: KeyRingJson, keyId: string, now: Date): KeyRingJson {
  return { ...ring, current: keyId, currentSince: now.toISOString() };
}

/** Takes a key out of the ring that is not the current one. What was sealed under it never opens again. */
export function withoutKey({ keys, retired, ...ring }: KeyRingJson, keyId: string): KeyRingJson {
  const { [keyId]: key, ...rest } = keys;
  if (key === undefined) return { keys, retired, ...ring };
  return { ...ring, keys: rest, retired: { ...retired, [keyId]: retiredKey(key) } };
}
