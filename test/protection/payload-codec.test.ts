import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { loadDataConverter } from '@temporalio/common/lib/internal-non-workflow/data-converter-helpers.js';
import proto from '@temporalio/proto';
import { execa } from 'execa';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { protectedDataConverter, workerDataConverter } from '../../protection/data-converter.js';
import { KeyRing } from '../../protection/key-ring.js';
import { open } from '../../protection/seal.js';
import {
  EncryptingPayloadCodec,
  encryptPayload,
  isEncrypted,
  payloadKeyId,
  PayloadCodecError,
} from '../../protection/payload-codec.js';
import { refusalIn } from '../../protection/refused-payload.js';
import { testKey, testKeyId, testRing, testRingJson } from '../support/key-rings.js';

const PayloadProto = proto.temporal.api.common.v1.Payload;
const SECRET = 'cust-0001';
const [k1, k2] = [testKeyId(1), testKeyId(2)];
const old = testRing(1);
const rotated = testRing(1, 2);
const WORKFLOW = { type: 'workflow', namespace: 'default', workflowId: 'batch-enrollment/demo/b-1' } as const;
const codecOf = (keyRing: KeyRing) => new EncryptingPayloadCodec(keyRing);
const bytesOf = (payload: Payload) => Buffer.from(PayloadProto.encode(payload).finish());
const json = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);

async function encoded(payload: Payload, keyRing = rotated): Promise<Payload> {
  const [result] = await codecOf(keyRing).encode([payload], WORKFLOW);
  return result!;
}

async function refusal(
  payload: Payload,
  keyRing = rotated,
  context: typeof WORKFLOW | { type: 'workflow'; namespace: string; workflowId: string } = WORKFLOW,
): Promise<PayloadCodecError> {
  const error: unknown = await codecOf(keyRing)
    .decode([payload], context)
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
        const there = await codec.encode(payloads, WORKFLOW);
        expect((await codec.decode(there, WORKFLOW)).map(bytesOf)).toEqual(payloads.map(bytesOf));
      }),
    );
  });

  it('shows when it is encrypted only that it is, for which workflow and under which key', async () => {
    const payload = await encoded(json({ externalConsumerId: SECRET }));
    expect(Object.keys(payload.metadata ?? {}).sort()).toEqual([
      'c2p-namespace',
      'c2p-workflow-id',
      'encoding',
      'encryption-key-id',
    ]);
    expect([isEncrypted(payload), payloadKeyId(payload)]).toEqual([true, k2]);
    expect(bytesOf(payload).includes(SECRET)).toBe(false);
    expect(bytesOf(payload).includes('json/plain')).toBe(false);
  });

  it('is different each time it is encrypted', async () => {
    expect((await encoded(json(SECRET))).data).not.toEqual((await encoded(json(SECRET))).data);
  });

  it('that was encrypted twice is decrypted once at a time', async () => {
    const once = await encoded(json(SECRET), old);
    expect(await codecOf(rotated).decode([await encoded(once)], WORKFLOW)).toEqual([
      expect.objectContaining({ data: once.data }),
    ]);
  });

  it.each([
    ['in clear', json(SECRET)],
    ['of another codec', { metadata: { encoding: Buffer.from('binary/other') }, data: Buffer.from('x') }],
    ['without metadata', { data: Buffer.from('x') }],
    ['without anything', {}],
  ])('%s is refused', async (_, payload) => {
    expect(await refusal(payload)).toMatchObject({ reason: 'clear' });
  });

  it('that is encrypted for no workflow is read by none', async () => {
    const [payload] = await codecOf(rotated).encode([json(SECRET)]);
    expect(await refusal(payload!)).toMatchObject({ reason: 'elsewhere' });
    expect((await codecOf(rotated).decode([payload!])).map(bytesOf)).toEqual([bytesOf(json(SECRET))]);
  });

  it('is read as what the workflow is that it names, by who does not know whose it is', async () => {
    expect((await codecOf(rotated).decode([await encoded(json(SECRET))])).map(bytesOf)).toEqual([
      bytesOf(json(SECRET)),
    ]);
  });

  it('is written in clear where the codec is switched off, and read if it is encrypted', async () => {
    const [codec] = protectedDataConverter(rotated, { codec: false }).payloadCodecs;
    expect(await codec.encode([json(SECRET)], WORKFLOW)).toEqual([json(SECRET)]);
    expect(await codec.decode([json(SECRET)], WORKFLOW)).toEqual([json(SECRET)]);
    expect((await codec.decode([await encoded(json(SECRET))], WORKFLOW)).map(bytesOf)).toEqual([
      bytesOf(json(SECRET)),
    ]);
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
        const outcome = await codec
          .decode([{ metadata, data: flipped }], WORKFLOW)
          .catch((error: unknown) => error);
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
    expect(error).toMatchObject({ reason: 'unknownKey', keyId: k2, code: 'PAYLOAD_UNREADABLE' });
    expect(error.message).toMatch(/\(key 'k2-\w+'\).*add it again/);
  });

  it('of a key ring with another secret is refused for good, also under a key that is missing here', async () => {
    const other = { ...testRingJson(1, 3), secret: testKey(5) };
    const payload = await encoded(json(SECRET), KeyRing.parse(other, 'other'));
    expect(await refusal(payload)).toMatchObject({ reason: 'altered' });
  });

  it.each(['encryption-key-id', 'c2p-namespace', 'c2p-workflow-id'])(
    'is refused with another %s in its metadata',
    async (name) => {
      const payload = await encoded(json(SECRET), old);
      const metadata = { ...payload.metadata, [name]: Buffer.from(k2) };
      const context = {
        type: 'workflow',
        namespace: name === 'c2p-namespace' ? k2 : WORKFLOW.namespace,
        workflowId: name === 'c2p-workflow-id' ? k2 : WORKFLOW.workflowId,
      } as const;
      expect(await refusal({ ...payload, metadata }, rotated, context)).toMatchObject({ reason: 'altered' });
    },
  );

  it.each([{ namespace: 'other' }, { workflowId: 'batch-enrollment/demo/b-2' }])(
    'of another workflow or namespace is refused: %j',
    async (other) => {
      const payload = await encoded(json(SECRET));
      expect(await refusal(payload, rotated, { ...WORKFLOW, ...other })).toMatchObject({
        reason: 'elsewhere',
      });
    },
  );

  it.each([undefined, '', 'a key id with spaces', 'x'.repeat(33), `k2\n${SECRET}`])(
    'is refused without repeating what stands for its key id: %j',
    async (id) => {
      const { metadata, data } = await encoded(json(SECRET));
      const { 'encryption-key-id': _, ...rest } = metadata!;
      const named = { ...rest, ...(id !== undefined && { 'encryption-key-id': Buffer.from(id) }) };
      const error = await refusal({ metadata: named, data });
      expect(error).toMatchObject({ reason: 'malformed', keyId: undefined });
    },
  );

  it('that is any bytes is refused with a typed error', async () => {
    const { metadata } = await encoded(json(SECRET));
    await fc.assert(
      fc.asyncProperty(anyBytes, fc.boolean(), async (noise, versioned) => {
        const data = versioned ? Buffer.concat([Buffer.from([2]), noise]) : noise;
        await refusal({ metadata, data });
      }),
    );
  });

  it('opens with the old key after the rotation', async () => {
    const [payload] = await codecOf(rotated).decode([await encoded(json(SECRET), old)], WORKFLOW);
    expect(defaultPayloadConverter.fromPayload(payload!)).toBe(SECRET);
  });
});

describe('the key of payloads', () => {
  it('is neither the key of the ring nor that of the store', () => {
    const key = old.payloadKey(k1)!.export();
    expect(key).toHaveLength(32);
    expect(key.equals(Buffer.alloc(32, 1))).toBe(false);
    expect(old.payloadKey(k2)).toBeUndefined();
    const sealed = old.seal(Buffer.from(SECRET), 'context');
    expect(() => open(sealed, 'context', () => old.payloadKey(k1))).toThrow('it was altered');
  });
});

describe('a worker', () => {
  const [marking] = workerDataConverter(rotated).payloadCodecs;
  const encodingOf = (payload: Payload) => Buffer.from(payload.metadata!['encoding']!).toString();

  it.each([
    ['clear', json(SECRET)],
    ['malformed', { metadata: { encoding: Buffer.from('binary/encrypted') }, data: Buffer.from('x') }],
  ])('marks what it refuses as %s, and does not throw', async (reason, payload) => {
    const [marked] = await marking.decode([payload], WORKFLOW);
    expect([encodingOf(marked!), Buffer.from(marked!.data!).toString()]).toEqual(['c2p/refused', reason]);
  });

  it('marks what was written for another workflow, and waits for a key that is missing', async () => {
    const payload = await encoded(json(SECRET));
    const [marked] = await marking.decode([payload], { ...WORKFLOW, workflowId: 'another' });
    expect(Buffer.from(marked!.data!).toString()).toBe('elsewhere');
    const [without] = workerDataConverter(old).payloadCodecs;
    await expect(without.decode([payload], WORKFLOW)).rejects.toMatchObject({ reason: 'unknownKey' });
  });

  it('reads as refused what is marked, and what is no JSON', () => {
    const { payloadConverter } = loadDataConverter(workerDataConverter(rotated));
    const read = (encoding: string, data: string) =>
      refusalIn(
        payloadConverter.fromPayload({
          metadata: { encoding: Buffer.from(encoding) },
          data: Buffer.from(data),
        }),
      );
    expect(read('c2p/refused', 'elsewhere')).toBe('elsewhere');
    expect(read('json/plain', '{')).toBe('malformed');
    expect(read('binary/other', 'x')).toBe('malformed');
    expect(read('json/plain', '{"a":1}')).toBeUndefined();
    expect(refusalIn(payloadConverter.fromPayload({}))).toBe('malformed');
  });
});

/** Also in `docs/payload-codec.md`, where a program in another language holds them, too. */
describe('the test vector', () => {
  const RING_KEY = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
  const RING_SECRET = 'ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=';
  const NONCE = 'a0a1a2a3a4a5a6a7a8a9aaab';
  const KEY_ID = 'k1-2530ab9bf2';
  const OWNER = { namespace: 'default', workflowId: 'batch-enrollment/demo/b-1' };
  const DATA =
    '02a0a1a2a3a4a5a6a7a8a9aaab58d9ab68cc8fae4aefdf1fba46868dbb28e014260ef867fd647a8d18ce029d9cc6e18b7835fcbea37e7021dd5fa412fe3550f1e90d5e88295f233fa1502b227c5d64ad3e3faec76bdaae029c013c25c2aa';
  const keyRing = KeyRing.parse(
    { current: KEY_ID, keys: { [KEY_ID]: RING_KEY }, secret: RING_SECRET },
    'the documentation',
  );
  const keys = { encryption: keyRing.payloadKey(KEY_ID)!, mac: keyRing.payloadMacKey };
  const inHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

  it('is what this codec makes of it, and is in the documentation', async () => {
    const payload = encryptPayload(json('hello'), OWNER, KEY_ID, keys, Buffer.from(NONCE, 'hex'));
    expect(inHex(payload.data!)).toBe(DATA);
    const page = await readFile('docs/payload-codec.md', 'utf8');
    const vector = [
      RING_KEY,
      RING_SECRET,
      KEY_ID,
      NONCE,
      keys.encryption.export(),
      keys.mac.export(),
      bytesOf(json('hello')),
      DATA,
    ];
    for (const part of vector) expect(page).toContain(typeof part === 'string' ? part : inHex(part));
  });

  it('is read by the Java of the documentation, which writes what this codec reads', async ({ skip }) => {
    if ((await execa('javac', ['-version'], { reject: false })).failed) skip('there is no JDK');
    const page = await readFile('docs/payload-codec.md', 'utf8');
    const folder = await mkdtemp(join(tmpdir(), 'c2p-java-'));
    const file = join(folder, 'Payloads.java');
    await writeFile(file, /```java\n([\s\S]*?)```/.exec(page)![1]!);
    const java = async (what: string, hex: string) => {
      const args = [what, KEY_ID, OWNER.namespace, OWNER.workflowId, RING_KEY, RING_SECRET, hex];
      return Buffer.from((await execa('java', [file, ...args])).stdout, 'hex');
    };
    const [plaintext, data] = await Promise.all([
      java('decrypt', DATA),
      java('encrypt', inHex(bytesOf(json('hello')))),
    ]);
    await rm(folder, { recursive: true });
    expect(plaintext).toEqual(bytesOf(json('hello')));
    const { metadata } = encryptPayload(json('hello'), OWNER, KEY_ID, keys);
    const [read] = await codecOf(keyRing).decode([{ metadata, data }], { ...OWNER, type: 'workflow' });
    expect(defaultPayloadConverter.fromPayload(read!)).toBe('hello');
  });
});

/** As clients and workers read what they get: the message, the codec, then the converter. */
async function readMessage(message: Uint8Array): Promise<unknown> {
  const [payload] = await codecOf(rotated).decode([PayloadProto.decode(message)], WORKFLOW);
  return defaultPayloadConverter.fromPayload(payload!);
}

function flip(bytes: Uint8Array, bit: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return flipped;
}
