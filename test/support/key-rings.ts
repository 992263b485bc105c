import { keyIdOf, retiredKey } from '../../protection/derived-keys.js';
import type { KeyRingJson } from '../../protection/key-ring-json.js';
import { KeyRing } from '../../protection/key-ring.js';

const SECRET = Buffer.alloc(32, 99).toString('base64');

/** The nth key of the key rings below, in base64. */
export function testKey(n: number): string {
  return Buffer.alloc(32, n).toString('base64');
}

/** The id of the nth key. */
export function testKeyId(n: number): string {
  return keyIdOf(`k${n}`, retiredKey(testKey(n)));
}

/** A key ring of these keys, the last of which is current. */
export function testRingJson(...numbers: [number, ...number[]]): KeyRingJson {
  return {
    current: testKeyId(numbers.at(-1)!),
    keys: Object.fromEntries(numbers.map((n) => [testKeyId(n), testKey(n)])),
    secret: SECRET,
  };
}

export function testRing(...numbers: [number, ...number[]]): KeyRing {
  return KeyRing.parse(testRingJson(...numbers), 'test');
}
