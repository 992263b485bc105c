import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeyRing } from '../../protection/key-ring.js';
import { namesKey } from '../../retention/key-usage-temporal.js';
import { blobsByKey, isUnused, KeyNeededError, type KeyUsage } from '../../retention/key-usage.js';
import { FilesystemStore } from '../../store/filesystem-store.js';
import { testKeyId, testRingJson } from '../support/key-rings.js';

const payload = (keyId: string, data = 'x') => ({
  metadata: {
    encoding: Buffer.from('binary/encrypted'),
    'encryption-key-id': new Uint8Array(Buffer.from(keyId)),
  },
  data: Buffer.from(data),
});

describe('a message of Temporal', () => {
  it.each([
    [
      'the input of a workflow',
      { events: [{ workflowExecutionStartedEventAttributes: { input: { payloads: [payload('k1')] } } }] },
    ],
    ['a memo', { workflowExecutionInfo: { memo: { fields: { records: payload('k1') } } } }],
    ['a heartbeat', { pendingActivities: [{ heartbeatDetails: { payloads: [payload('k1')] } }] }],
    ['a failure within a failure', { failure: { cause: { encodedAttributes: payload('k1') } } }],
    ['a summary', { userMetadata: { summary: payload('k1') } }],
    ['the second of two payloads', { payloads: [payload('k2'), payload('k1')] }],
  ])('needs a key that %s is under, and no other', (_, message) => {
    expect(namesKey(message, 'k1')).toBe(true);
    expect(namesKey(message, 'k')).toBe(false);
    expect(namesKey(message, 'k11')).toBe(false);
  });

  it('needs none for what only looks like it', () => {
    for (const message of [
      undefined,
      null,
      'encryption-key-id',
      { payloads: [{ metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"k1"') }] },
      { metadata: { 'encryption-key-id': null } },
      { metadata: null },
      payload('k2', 'encryption-key-id k1'),
    ])
      expect(namesKey(message, 'k1')).toBe(false);
  });
});

describe('the blobs of a store', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'c2p-key-usage-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('are counted by their key', async () => {
    const ring = testRingJson(1);
    const rotated = testRingJson(1, 2);
    for (const [json, ids] of [
      [ring, ['a', 'b']],
      [rotated, ['c']],
    ] as const) {
      const store = new FilesystemStore({ root: folder, keyRing: KeyRing.parse(json, 'test') });
      for (const externalBatchId of ids)
        await store.put({ program: 'demo', externalBatchId }, 'closed', Buffer.from(''));
    }
    const store = new FilesystemStore({ root: folder, keyRing: KeyRing.parse(rotated, 'test') });
    expect(await blobsByKey(store)).toEqual(
      new Map([
        [testKeyId(1), 2],
        [testKeyId(2), 1],
      ]),
    );
  });
});

describe('the refusal to retire a key', () => {
  const unused: KeyUsage = { blobs: 0, batches: [], workflows: 0, workflowIds: [], scheduleIds: [] };

  it('says what needs it and what to do, and names only the first ten', () => {
    const batches = Array.from({ length: 10 }, (_, i) => ({ program: 'demo', externalBatchId: `b-${i}` }));
    const usage = { ...unused, blobs: 40, batches, workflows: 1, workflowIds: ['batch-enrollment/demo/b-1'] };
    const { message, code } = new KeyNeededError('k1', usage);
    expect(code).toBe('KEY_NEEDED');
    expect(message.split('\n')).toEqual([
      "key 'k1' is still needed and stays:",
      expect.stringMatching(
        /^ {2}blobs of the store: 40, of demo\/b-0, .*demo\/b-9, …; run: c2p keys reseal$/,
      ),
      '  open workflows: 1, batch-enrollment/demo/b-1; wait until they are closed',
    ]);
  });

  it('is for each thing that needs it', () => {
    expect(isUnused(unused)).toBe(true);
    expect(isUnused({ ...unused, blobs: 1 })).toBe(false);
    expect(isUnused({ ...unused, workflows: 1 })).toBe(false);
    expect(isUnused({ ...unused, scheduleIds: ['s'] })).toBe(false);
  });
});
