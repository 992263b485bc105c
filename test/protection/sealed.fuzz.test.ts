import assert from 'node:assert/strict';
import { temporal } from '@temporalio/proto';
import fc from 'fast-check';
import { KeyRing } from '../../protection/key-ring.js';
import { KeyRingError, parseKeyRing } from '../../protection/key-ring-json.js';
import { EncryptingPayloadCodec, PayloadCodecError } from '../../protection/payload-codec.js';
import { SealedBlobError } from '../../protection/seal.js';
import { damaged, noise } from '../support/fuzz/bytes.js';
import { fuzz } from '../support/fuzz/fuzz.js';
import { estranged } from '../support/fuzz/json.js';
import { expectNoSecret, SECRETS, shownBy } from '../support/fuzz/secrets.js';
import { testRing, testRingJson } from '../support/key-rings.js';

const ring = testRing(1);
const CONTENT = Buffer.from(JSON.stringify(SECRETS));

const sealed = Buffer.from(ring.seal(CONTENT, 'x'));
const blobs = fc.oneof(
  { weight: 9, arbitrary: damaged(fc.constantFrom(sealed, Buffer.from(ring.seal(CONTENT, 'y')))) },
  { weight: 1, arbitrary: noise },
);

fuzz('a sealed blob is opened as it was sealed, or refused', blobs, (blob) => {
  try {
    assert.deepEqual(Buffer.from(ring.open(blob, 'x')), CONTENT);
    assert.deepEqual(blob, sealed);
  } catch (error) {
    if (!(error instanceof SealedBlobError)) throw error;
    expectNoSecret(shownBy(error));
  }
});

const { Payload } = temporal.api.common.v1;
const context = { type: 'workflow', namespace: 'default', workflowId: 'batch-enrollment/demo/b-1' } as const;
const other = { ...context, workflowId: 'batch-enrollment/demo/b-2' };
const codec = new EncryptingPayloadCodec(ring);
const clear = { metadata: { encoding: Buffer.from('json/plain') }, data: CONTENT };
const [written] = await codec.encode([clear], context);
const [ofAnother] = await codec.encode([clear], other);
const bytesOf = (payload: typeof written) => Buffer.from(Payload.encode(payload!).finish());

/** Damaged as a whole, its names, lengths and metadata included; what is no message any more is no payload. */
const payloads = damaged(fc.constantFrom(bytesOf(written), bytesOf(ofAnother), bytesOf(clear))).map(
  (bytes) => {
    try {
      return Payload.decode(bytes);
    } catch {
      return Payload.create({ data: bytes });
    }
  },
);

fuzz('a payload of Temporal is what was written for its workflow, or refused', payloads, async (payload) => {
  try {
    const [read] = await codec.decode([payload], context);
    assert.deepEqual(Buffer.from(read!.data!), CONTENT);
    assert.deepEqual(Buffer.from(payload.data), Buffer.from(written!.data!));
  } catch (error) {
    if (!(error instanceof PayloadCodecError)) throw error;
    expectNoSecret(shownBy(error));
  }
});

const { secret, ...rest } = testRingJson(1, 2);
const keyTexts = [secret, ...Object.values(rest.keys)];
const rings = fc.oneof(
  {
    weight: 8,
    arbitrary: estranged(fc.constantFrom(testRingJson(1, 2), { ...testRingJson(1), retired: rest.keys })),
  },
  {
    weight: 2,
    arbitrary: damaged(fc.constant(Buffer.from(JSON.stringify(testRingJson(1, 2))))).map(String),
  },
);

fuzz('a key ring is taken, or refused without a part of a key', rings, (text) => {
  try {
    const taken = KeyRing.parse(parseKeyRing(text, '/etc/c2p/keys.json'), '/etc/c2p/keys.json');
    assert.deepEqual(Buffer.from(taken.open(taken.seal(CONTENT, 'x'), 'x')), CONTENT);
  } catch (error) {
    if (!(error instanceof KeyRingError)) throw error;
    expectNoSecret(shownBy(error), keyTexts);
  }
});
