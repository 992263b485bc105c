import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withCurrent, withNewKey, withoutKey } from '../../protection/key-ring-changes.js';
import { keyIdOf, retiredKey } from '../../protection/derived-keys.js';
import { checkKeyRing, type KeyRingJson } from '../../protection/key-ring-json.js';
import { KeyRing } from '../../protection/key-ring.js';

const NOW = new Date('2026-11-24T12:00:00Z');
const RECORDS = Buffer.from('[{"externalConsumerId":"c-1"}]');
const ring = KeyRing.generate();
const k1 = ring.current;
const { ring: added, keyId: k2 } = withNewKey(ring, NOW);
const rotated = withCurrent(added, k2, NOW);
const parse = (json: KeyRingJson) => KeyRing.parse(JSON.parse(JSON.stringify(json)), 'test');

describe('a new key', () => {
  it('opens at once and seals only once it is current', () => {
    expect(parse(added).currentKeyId).toBe(k1);
    expect(parse(rotated).currentKeyId).toBe(k2);
    expect(rotated).toMatchObject({ made: { [k2]: NOW.toISOString() }, currentSince: NOW.toISOString() });
    expect(Buffer.from(parse(added).open(parse(rotated).seal(RECORDS, 'x'), 'x'))).toEqual(RECORDS);
  });

  it('never has the id of a key that there was', () => {
    expect(withNewKey(withoutKey(rotated, k1), NOW).keyId).toMatch(/^k3-/);
    const key = ring.keys[k1]!;
    const named = keyIdOf('bank-a', retiredKey(key));
    expect(withNewKey({ ...ring, current: named, keys: { [named]: key }, made: {} }, NOW).keyId).toMatch(
      /^k1-/,
    );
  });
});

describe('a key that is retired', () => {
  const retired = withoutKey(rotated, k1);

  it('opens nothing any more', () => {
    expect(() => parse(retired).open(parse(ring).seal(RECORDS, 'x'), 'x')).toThrow(
      expect.objectContaining({ reason: 'unknownKey', keyId: k1 }),
    );
    expect(JSON.stringify(retired)).not.toContain(ring.keys[k1]);
  });

  it('leaves behind what compares its digests: a batch of years ago is still told from another', () => {
    const digest = parse(ring).digest(RECORDS);
    expect(parse(retired).digestMatches(RECORDS, digest)).toBe(true);
    expect(parse(retired).digestMatches(Buffer.from('other'), digest)).toBe(false);
  });

  it('cannot be made of what it left behind', () => {
    const left = retired.retired![k1]!;
    expect(() => parse({ ...ring, keys: { [k1]: left } })).toThrow('is not the key that its id says');
  });
});

describe('any sequence of changes', () => {
  it('gives a key ring that opens what any key sealed that is not retired', () => {
    const change = fc.oneof(
      fc.constant('add' as const),
      fc.record({ use: fc.nat() }),
      fc.record({ retire: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        let json = KeyRing.generate();
        const sealed = new Map<string, Uint8Array>();
        for (const each of changes) {
          const ids = Object.keys(json.keys);
          if (each === 'add') json = withNewKey(json, NOW).ring;
          else if ('use' in each) json = withCurrent(json, ids[each.use % ids.length]!, NOW);
          else {
            const id = ids[each.retire % ids.length]!;
            if (id !== json.current) json = withoutKey(json, id);
          }
          checkKeyRing(JSON.parse(JSON.stringify(json)), 'test');
          sealed.set(json.current, parse(json).seal(RECORDS, 'x'));
        }
        for (const [id, blob] of sealed) {
          const opens = () => parse(json).open(blob, 'x');
          if (Object.hasOwn(json.keys, id)) expect(Buffer.from(opens())).toEqual(RECORDS);
          else expect(opens).toThrow(expect.objectContaining({ reason: 'unknownKey' }));
        }
      }),
      { numRuns: 50 },
    );
  });
});
