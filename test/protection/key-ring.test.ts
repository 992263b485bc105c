import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { retiredKey } from '../../protection/derived-keys.js';
import { DigestError, KeyRing } from '../../protection/key-ring.js';
import { KeyRingError } from '../../protection/key-ring-json.js';
import type { SealedBlobReason } from '../../protection/seal.js';
import { HEADER_PREFIX, SealedBlobError, sealedUnder } from '../../protection/seal.js';
import { testKey, testKeyId, testRing, testRingJson } from '../support/key-rings.js';

const [K1, K2] = [testKey(1), testKey(2)];
const [k1, k2] = [testKeyId(1), testKeyId(2)];
const old = testRing(1);
const rotated = testRing(1, 2);

const bytes = (text: string) => Buffer.from(text, 'utf8');
const PLAINTEXT = bytes('5186001700009726 Ana');
const CONTEXT = '["demo","b-1","records"]';

function refusal(work: () => unknown): SealedBlobError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(SealedBlobError);
    return error as SealedBlobError;
  }
  throw new Error('it opened');
}

describe('a sealed blob', () => {
  it('opens to what was sealed, in its context', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 2_000 }),
        fc.string({ unit: 'grapheme' }),
        (plaintext, context) => {
          expect(Buffer.from(rotated.open(rotated.seal(plaintext, context), context))).toEqual(
            Buffer.from(plaintext),
          );
        },
      ),
    );
  });

  it('does not open in any other context', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (context, other) => {
        fc.pre(context !== other);
        expect(refusal(() => rotated.open(rotated.seal(PLAINTEXT, context), other)).reason).toBe('altered');
      }),
    );
  });

  it('is refused when any single bit of it is flipped', () => {
    const sealed = rotated.seal(PLAINTEXT, CONTEXT);
    const reasons = new Set<SealedBlobReason>();
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const flipped = Buffer.from(sealed);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      reasons.add(refusal(() => rotated.open(flipped, CONTEXT)).reason);
    }
    expect(reasons).toEqual(new Set(['unknownFormat', 'altered', 'truncated', 'unknownKey']));
  });

  it('is refused when any single bit of it is flipped, each bit of 100 blobs', () => {
    for (let blob = 0; blob < 100; blob += 1) {
      const context = JSON.stringify(['demo', `b-${blob}`, 'records']);
      const sealed = Buffer.from(rotated.seal(PLAINTEXT.subarray(0, blob % PLAINTEXT.length), context));
      for (let bit = 0; bit < sealed.length * 8; bit += 1) {
        const [at, mask] = [bit >> 3, 1 << (bit & 7)];
        sealed.writeUInt8(sealed.readUInt8(at) ^ mask, at);
        let opened = true;
        try {
          rotated.open(sealed, context);
        } catch (error) {
          opened = !(error instanceof SealedBlobError);
        }
        if (opened) expect.fail(`blob ${blob} opened with bit ${bit} flipped`);
        sealed.writeUInt8(sealed.readUInt8(at) ^ mask, at);
      }
      rotated.open(sealed, context);
    }
  });

  it('tells its key by its first bytes', () => {
    const sealed = rotated.seal(PLAINTEXT, CONTEXT);
    expect(sealedUnder(sealed)).toBe(k2);
    expect(sealedUnder(sealed.subarray(0, HEADER_PREFIX))).toBe(k2);
    expect(sealedUnder(sealed.subarray(0, 6))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
        const keyId = sealedUnder(Buffer.concat([bytes('c2p\u0001'), noise]));
        expect(keyId ?? k1).toMatch(/^[A-Za-z0-9_-]{1,32}$/);
      }),
    );
  });

  it('is called truncated at every length but its own, and altered when something follows', () => {
    const sealed = rotated.seal(PLAINTEXT, CONTEXT);
    for (let length = 0; length < sealed.length; length += 1)
      expect(refusal(() => rotated.open(sealed.subarray(0, length), CONTEXT)).reason).toBe('truncated');
    const longer = Buffer.concat([sealed, Buffer.alloc(1)]);
    expect(refusal(() => rotated.open(longer, CONTEXT)).reason).toBe('altered');
  });

  it('is refused for any bytes that were never sealed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (noise, withMagic) => {
        const blob = withMagic
          ? Buffer.concat([bytes(`c2p\u0001${String.fromCharCode(k2.length)}${k2}`), noise])
          : noise;
        refusal(() => rotated.open(blob, CONTEXT));
      }),
    );
  });

  it('opens with the old key after the rotation, and is sealed with the new one', () => {
    expect(sealedUnder(old.seal(PLAINTEXT, CONTEXT))).toBe(k1);
    expect(Buffer.from(rotated.open(old.seal(PLAINTEXT, CONTEXT), CONTEXT))).toEqual(PLAINTEXT);
    expect(refusal(() => old.open(rotated.seal(PLAINTEXT, CONTEXT), CONTEXT))).toMatchObject({
      reason: 'unknownKey',
      keyId: k2,
      code: 'SEALED_BLOB_UNREADABLE',
    });
  });

  it('names its context and key and what to do when it is refused, and nothing of its content', () => {
    const { message } = refusal(() => old.open(rotated.seal(PLAINTEXT, CONTEXT), CONTEXT));
    expect(message).toContain(CONTEXT);
    expect(message).toContain(`'${k2}'`);
    expect(message).toContain('add it again');
    expect(message).not.toContain('5186');
  });

  it('is different each time', () => {
    expect(rotated.seal(PLAINTEXT, CONTEXT)).not.toEqual(rotated.seal(PLAINTEXT, CONTEXT));
  });
});

describe('a digest', () => {
  it('matches the same bytes and no others', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (one, other) => {
        expect(rotated.digestMatches(one, rotated.digest(one))).toBe(true);
        expect(rotated.digestMatches(other, rotated.digest(one))).toBe(Buffer.from(one).equals(other));
      }),
    );
  });

  it('names its key, and still matches after the rotation', () => {
    expect(old.digest(PLAINTEXT)).toMatch(new RegExp(`^${k1}:[0-9a-f]{64}$`));
    expect(rotated.digest(PLAINTEXT).startsWith(`${k2}:`)).toBe(true);
    expect(rotated.digestMatches(PLAINTEXT, old.digest(PLAINTEXT))).toBe(true);
  });

  it('made with a key that is not in the ring is an error that names the key', () => {
    expect(() => old.digestMatches(PLAINTEXT, rotated.digest(PLAINTEXT))).toThrow(
      expect.objectContaining({ code: 'DIGEST_UNREADABLE', reason: 'unknownKey', keyId: k2 }),
    );
  });

  it('of another form is an error that does not repeat it', () => {
    for (const digest of ['', 'k1', 'k1:zz', `k1:${'0'.repeat(63)}`, '5186001700009726']) {
      expect(() => old.digestMatches(PLAINTEXT, digest)).toThrow(DigestError);
      if (digest) expect(() => old.digestMatches(PLAINTEXT, digest)).not.toThrow(digest);
    }
  });
});

describe('KeyRing', () => {
  it('parses what it generates, which is different each time', () => {
    const json = KeyRing.generate();
    expect(KeyRing.parse(JSON.parse(JSON.stringify(json)), 'x').currentKeyId).toMatch(/^k1-[0-9a-f]{10}$/);
    expect(json).not.toEqual(KeyRing.generate());
  });

  const good = testRingJson(1);
  const rings = (changes: object) => ({ ...good, ...changes });

  it.each([
    [null, 'must be {'],
    [[], 'must be {'],
    [rings({ [K2]: 1 }), 'nothing else'],
    [rings({ current: 'k9' }), '"current" must name one of "keys"'],
    [rings({ keys: {} }), '"current" must name one of "keys"'],
    [rings({ current: K1 }), '"current" must name one of "keys"'],
    [rings({ keys: { ...good.keys, [k2]: K2.slice(4) } }), `keys.${k2} must be 32 bytes`],
    [rings({ keys: { [k1]: Buffer.alloc(33).toString('base64') } }), `keys.${k1} must be 32 bytes`],
    [rings({ keys: { ...good.keys, [K2]: 'k2' } }), 'the id of key 2'],
    [rings({ keys: { ...good.keys, [k2]: K1 } }), `keys.${k2} is not the key that its id says`],
    [rings({ keys: { ...good.keys, k2: K2 } }), 'the id of key 2 in "keys" must be a name'],
    [rings({ keys: { ...good.keys, '518600-1700009726': K2 } }), 'the id of key 2 in "keys" must be a name'],
    [rings({ retired: { [k2]: K2.slice(4) } }), `retired.${k2} must be 32 bytes`],
    [rings({ retired: { [k2]: K2 } }), `retired.${k2} is not the key that its id says`],
    [rings({ retired: { [k1]: retiredKey(K1) } }), `"${k1}" is both in "keys" and in "retired"`],
    [rings({ current: k2, retired: { [k2]: retiredKey(K2) } }), '"current" must name one of "keys"'],
    [rings({ made: { [K2]: '2026-11-24T12:00:00Z' } }), 'the id of key 1 in "made"'],
    [rings({ made: { [k1]: 'yesterday' } }), 'must be {'],
    [rings({ currentSince: K2 }), 'must be {'],
    [rings({ secret: undefined }), 'must be {'],
    [rings({ secret: K2.slice(4) }), 'secret must be 32 bytes'],
  ])('refuses %j and says why without any part of a key', (json, problem) => {
    const parse = () => KeyRing.parse(json, 'keys/data-keys.json');
    expect(parse).toThrow(KeyRingError);
    expect(parse).toThrow(`key ring keys/data-keys.json: `);
    expect(parse).toThrow(problem);
    expect(parse).not.toThrow(/AQEBA|AgICA/);
  });
});

it.each(['4000001234567890124-f820789dc5', '518600-1700009726', '4000001234567890124k1'])(
  'a blob under the id %s, which a key cannot have, is refused without it',
  (keyId) => {
    const [id, blob] = [Buffer.from(keyId), Buffer.from(testRing(1).seal(Buffer.from('x'), 'here'))];
    const forged = Buffer.concat([
      blob.subarray(0, 4),
      Buffer.from([id.length]),
      id,
      blob.subarray(5 + blob[4]!),
    ]);
    expect(() => testRing(1).open(forged, 'here')).toThrow(
      /^cannot open the sealed blob of here: it was altered/,
    );
    expect(sealedUnder(forged)).toBeUndefined();
  },
);
