import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import proto from '@temporalio/proto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { protectedDataConverter } from '../../protection/data-converter.js';
import { KeyRing } from '../../protection/key-ring.js';
import { open } from '../../protection/seal.js';
import {
  EncryptingPayloadCodec,
  encryptPayload,
  isEncrypted,
  payloadKeyId,
  PayloadCodecError,
} from '../../protection/payload-codec.js';

const PayloadProto = proto.temporal.api.common.v1.Payload;
const SECRET = 'cust-0001';
const ring = (current: string, ...fills: number[]) =>
  KeyRing.parse(
    {
      current,
      keys: Object.fromEntries(fills.map((fill) => [`k${fill}`, Buffer.alloc(32, fill).toString('base64')])),
    },
    'test',
  );
const old = ring('k1', 1);
const rotated = ring('k2', 1, 2);
const codecOf = (keyRing: KeyRing) => new EncryptingPayloadCodec(keyRing);
const bytesOf = (payload: Payload) => Buffer.from(PayloadProto.encode(payload).finish());
const json = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);

async function encoded(payload: Payload, keyRing = rotated): Promise<Payload> {
  const [result] = await codecOf(keyRing).encode([payload]);
  return result!;
}

async function refusal(payload: Payload, keyRing = rotated): Promise<PayloadCodecError> {
  const error: unknown = await codecOf(keyRing)
    .decode([payload])
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(PayloadCodecError);
  expect((error as Error).message).not.toContain(SECRET);
  return error as PayloadCodecError;
}

const anyBytes = fc.uint8Array({ maxLength: 200 });
const anyPayload: fc.Arbitrary<Payload> = fc.record({
  metadata: fc.dictionary(fc.string(), anyBytes, { maxKeys: 4, noNullPrototype: true }),
  data: anyBytes,
});

describe('a payload', () => {
  it('comes back whole, metadata and data, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyPayload, { maxLength: 4 }), async (payloads) => {
        const codec = codecOf(rotated);
        const there = await codec.encode(payloads);
        expect((await codec.decode(there)).map(bytesOf)).toEqual(payloads.map(bytesOf));
      }),
    );
  });

  it('shows when it is encrypted only that it is, and under which key', async () => {
    const payload = await encoded(json({ externalConsumerId: SECRET }));
    expect(Object.keys(payload.metadata ?? {}).sort()).toEqual(['encoding', 'encryption-key-id']);
    expect([isEncrypted(payload), payloadKeyId(payload)]).toEqual([true, 'k2']);
    expect(bytesOf(payload).includes(SECRET)).toBe(false);
    expect(bytesOf(payload).includes('json/plain')).toBe(false);
  });

  it('is different each time it is encrypted', async () => {
    expect((await encoded(json(SECRET))).data).not.toEqual((await encoded(json(SECRET))).data);
  });

  it('that was encrypted twice is decrypted once at a time', async () => {
    const once = await encoded(json(SECRET), old);
    expect(await codecOf(rotated).decode([await encoded(once)])).toEqual([
      expect.objectContaining({ data: once.data }),
    ]);
  });

  it.each([
    ['in clear', json(SECRET)],
    ['of another codec', { metadata: { encoding: Buffer.from('binary/other') }, data: Buffer.from('x') }],
    ['without metadata', { data: Buffer.from('x') }],
    ['without anything', {}],
  ])('%s is read as it is', async (_, payload) => {
    expect(await codecOf(rotated).decode([payload])).toEqual([payload]);
  });

  it('is written in clear where the codec is switched off, and read if it is encrypted', async () => {
    const [codec] = protectedDataConverter(rotated, { codec: false }).payloadCodecs;
    expect(await codec.encode([json(SECRET)])).toEqual([json(SECRET)]);
    expect((await codec.decode([await encoded(json(SECRET))])).map(bytesOf)).toEqual([bytesOf(json(SECRET))]);
    expect(await codec.keyId()).toBeUndefined();
  });
});

describe('an encrypted payload', () => {
  it('is refused when any single bit of it is changed, every bit of 100 of them', async () => {
    const reasons = new Set<string>();
    const payloads = fc.sample(fc.record({ data: fc.uint8Array({ maxLength: 6 }) }), {
      numRuns: 100,
      seed: 1,
    });
    const codec = codecOf(rotated);
    for (const payload of payloads) {
      const { metadata, data } = await encoded(payload);
      for (let bit = 0; bit < data!.length * 8; bit += 1) {
        const flipped = flip(data!, bit);
        const outcome = await codec.decode([{ metadata, data: flipped }]).catch((error: unknown) => error);
        reasons.add(outcome instanceof PayloadCodecError ? outcome.reason : 'accepted');
      }
    }
    expect(reasons).toEqual(new Set(['altered', 'unknownFormat']));
  });

  it('gives nothing when any single bit of its message is changed, metadata among them', async () => {
    const message = bytesOf(await encoded(json(SECRET)));
    for (let bit = 0; bit < message.length * 8; bit += 1) {
      const outcome = await readMessage(flip(message, bit)).catch((error: unknown) => error);
      expect(outcome, `bit ${bit}`).toBeInstanceOf(Error);
    }
    expect(await readMessage(message)).toBe(SECRET);
  });

  it('is refused when it is cut short anywhere, or something follows', async () => {
    const { metadata, data } = await encoded(json(SECRET));
    for (let length = 0; length < data!.length; length += 1)
      await refusal({ metadata, data: data!.subarray(0, length) });
    await refusal({ metadata, data: Buffer.concat([data!, Buffer.alloc(1)]) });
  });

  it('is refused under a key that the ring does not have, by its id and with what to do', async () => {
    const error = await refusal(await encoded(json(SECRET)), old);
    expect(error).toMatchObject({ reason: 'unknownKey', keyId: 'k2', code: 'PAYLOAD_UNREADABLE' });
    expect(error.message).toMatch(/\(key 'k2'\).*add it again/);
  });

  it('is refused under another key of the same id, and with the id of another key', async () => {
    const payload = await encoded(json(SECRET), old);
    const impostor = KeyRing.parse(
      { current: 'k1', keys: { k1: Buffer.alloc(32, 9).toString('base64') } },
      'other',
    );
    expect(await refusal(payload, impostor)).toMatchObject({ reason: 'altered', keyId: 'k1' });
    const renamed = { ...payload, metadata: { ...payload.metadata, 'encryption-key-id': Buffer.from('k2') } };
    expect(await refusal(renamed)).toMatchObject({ reason: 'altered', keyId: 'k2' });
  });

  it('is bound to the id of its key even where two ids have the same key', async () => {
    const key = Buffer.alloc(32, 1).toString('base64');
    const twins = KeyRing.parse({ current: 'k1', keys: { k1: key, k2: key } }, 'twins');
    const { metadata, data } = await encoded(json(SECRET), twins);
    const renamed = { metadata: { ...metadata, 'encryption-key-id': Buffer.from('k2') }, data };
    expect(await refusal(renamed, twins)).toMatchObject({ reason: 'altered' });
  });

  it.each([undefined, '', 'a key id with spaces', 'x'.repeat(33), `k2\n${SECRET}`])(
    'is refused without repeating what stands for its key id: %j',
    async (id) => {
      const { metadata, data } = await encoded(json(SECRET));
      const named: Record<string, Uint8Array> = { encoding: metadata!['encoding']! };
      if (id !== undefined) named['encryption-key-id'] = Buffer.from(id);
      const error = await refusal({ metadata: named, data });
      expect(error).toMatchObject({ reason: 'malformed', keyId: undefined });
    },
  );

  it('that is any bytes is refused with a typed error', async () => {
    const { metadata } = await encoded(json(SECRET));
    await fc.assert(
      fc.asyncProperty(anyBytes, fc.boolean(), async (noise, versioned) => {
        const data = versioned ? Buffer.concat([Buffer.from([1]), noise]) : noise;
        await refusal({ metadata, data });
      }),
    );
  });

  it('opens with the old key after the rotation', async () => {
    const [payload] = await codecOf(rotated).decode([await encoded(json(SECRET), old)]);
    expect(defaultPayloadConverter.fromPayload(payload!)).toBe(SECRET);
  });
});

describe('the key of payloads', () => {
  it('is neither the key of the ring nor that of the store', () => {
    const key = old.payloadKey('k1')!.export();
    expect(key).toHaveLength(32);
    expect(key.equals(Buffer.alloc(32, 1))).toBe(false);
    expect(old.payloadKey('k2')).toBeUndefined();
    const sealed = old.seal(Buffer.from(SECRET), 'context');
    expect(() => open(sealed, 'context', () => old.payloadKey('k1'))).toThrow('it was altered');
  });
});

/** Also in `docs/payload-codec.md`, and checked there by hand with another language. */
describe('the test vector', () => {
  const RING_KEY = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
  const NONCE = 'a0a1a2a3a4a5a6a7a8a9aaab';
  const PAYLOAD_KEY = 'ecebf5c9a17929f9aa2bf65b7722ecedcc7f1abe20b51e0102fe65bfe06b01d5';
  const INNER = '0a160a08656e636f64696e67120a6a736f6e2f706c61696e12072268656c6c6f22';
  const DATA =
    '01a0a1a2a3a4a5a6a7a8a9aaabfce796471da311f04790ebdc1fd729941fa833b3742a7f8f481a2df29258102297e81c268538404f53085671740954348a';
  /** Of another implementation, with the nonce 00 01 … 0b. */
  const FOREIGN_DATA =
    '01000102030405060708090a0b98173c705917e2bff95ed563d6be5edc4b81b40db7013af2506d0c3cb78cb921b6033ff14c05b67b8d3c1046a2ac642b83';
  const keyRing = KeyRing.parse({ current: 'k1', keys: { k1: RING_KEY } }, 'the documentation');
  const key = keyRing.payloadKey('k1')!;

  it('is what this codec makes of it', () => {
    expect(key.export().toString('hex')).toBe(PAYLOAD_KEY);
    expect(bytesOf(json('hello')).toString('hex')).toBe(INNER);
    const { metadata, data } = encryptPayload(json('hello'), 'k1', key, Buffer.from(NONCE, 'hex'));
    expect(metadata).toEqual({
      encoding: Buffer.from('binary/encrypted'),
      'encryption-key-id': Buffer.from('k1'),
    });
    expect(Buffer.from(data!).toString('hex')).toBe(DATA);
  });

  it.each([DATA, FOREIGN_DATA])('is read by this codec: %s', async (hex) => {
    const metadata = { encoding: Buffer.from('binary/encrypted'), 'encryption-key-id': Buffer.from('k1') };
    const [payload] = await codecOf(keyRing).decode([{ metadata, data: Buffer.from(hex, 'hex') }]);
    expect(defaultPayloadConverter.fromPayload(payload!)).toBe('hello');
  });
});

/** As clients and workers read what they get: the message, the codec, then the converter. */
async function readMessage(message: Uint8Array): Promise<unknown> {
  const [payload] = await codecOf(rotated).decode([PayloadProto.decode(message)]);
  return defaultPayloadConverter.fromPayload(payload!);
}

function flip(bytes: Uint8Array, bit: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return flipped;
}
