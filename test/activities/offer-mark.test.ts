import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Blob, type OfferMark } from '../../enrollment/blobs.js';
import { GatewayFailure } from '../../mastercard/errors.js';
import type { BatchSubmission } from '../../mastercard/gateway.js';
import { KeyRingError } from '../../protection/key-ring-json.js';
import { putJson, StoreUnavailableError } from '../../store/store.js';
import { ScriptedGateway } from '../support/scripted-gateway.js';
import { BATCH, NOW, SubmissionRig } from './submission-rig.js';
import { KEY_ELSEWHERE } from '../support/damaged-store.js';

let rig: SubmissionRig;
beforeEach(async () => {
  rig = await SubmissionRig.create();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rig.store.erase();
});

const diskFull = new StoreUnavailableError('cannot write /data/b.sealed: the disk is full (ENOSPC)');
const offeredByOther: OfferMark = { chain: 'chain-b', offeredAt: '2026-11-01T00:00:00.000Z' };

function markOfOther(receipt: Partial<OfferMark> = {}): Promise<void> {
  return putJson(rig.store, BATCH, Blob.offered(1), { ...offeredByOther, ...receipt });
}

describe('before the first byte is sent', () => {
  test('the store has a mark of which chain of runs offers the round, and when', async () => {
    const found: unknown[] = [];
    const inspecting = async () => {
      found.push(await rig.mark());
      return { batchId: 'mc-1' };
    };
    await rig.submit(new ScriptedGateway({ submit: [inspecting] }));
    expect(found).toEqual([{ chain: 'chain-a', offeredAt: NOW.toISOString() }]);
  });

  test('each round has a mark of its own', async () => {
    const gateway = new ScriptedGateway();
    await rig.submit(gateway);
    expect(await rig.mark(2)).toBeUndefined();
    expect(await rig.submit(gateway, { round: 2 })).toMatchObject({ kind: 'accepted' });
    expect(await rig.mark(2)).toMatchObject({ chain: 'chain-a' });
  });

  test.each([
    ['a store that cannot keep it', diskFull, diskFull.message],
    ['a key ring that cannot seal it', new KeyRingError('ring.json', 'is not JSON'), 'is not JSON'],
    ['whatever else fails there', Object.assign(new Error('quotes'), { code: 'EMFILE' }), '(EMFILE)'],
  ])('%s keeps the round from being sent: not accepted, to be tried again', async (_, error, why) => {
    vi.spyOn(rig.store, 'putNew').mockRejectedValue(error);
    const gateway = new ScriptedGateway();
    const answer = await rig.submit(gateway);
    expect(answer).toMatchObject({ kind: 'notAccepted', reason: 'STORE_UNAVAILABLE', details: [] });
    expect(answer).toMatchObject({ message: expect.stringContaining(`nothing was sent: `) as string });
    expect(answer).toMatchObject({ message: expect.stringContaining(why) as string });
    expect(JSON.stringify(answer)).not.toContain('quotes');
    expect(gateway.submissions).toEqual([]);
  });
});

describe('a mark of another chain: terminated and enrolled again, or Temporal was lost', () => {
  test('nothing is sent, and the answer says since when it may be there', async () => {
    await markOfOther();
    const gateway = new ScriptedGateway();
    const { offeredAt } = offeredByOther;
    expect(await rig.submit(gateway)).toEqual({ kind: 'offeredBefore', offeredAt });
    expect(gateway.submissions).toEqual([]);
    expect(await rig.mark()).toEqual(offeredByOther);
  });

  test('with its receipt, the answer says as which batch', async () => {
    await markOfOther({ batchId: 'mc-7' });
    expect(await rig.submit(new ScriptedGateway())).toMatchObject({
      kind: 'offeredBefore',
      batchId: 'mc-7',
    });
  });

  test('of two chains that offer at once, one sends', async () => {
    const gateway = new ScriptedGateway();
    const answers = await Promise.all(['chain-a', 'chain-b'].map((chain) => rig.submit(gateway, { chain })));
    expect(answers.map(({ kind }) => kind).sort()).toEqual(['accepted', 'offeredBefore']);
    expect(gateway.submissions).toHaveLength(1);
  });

  test('is taken over where an operator made sure that Mastercard has nothing: it is sent, once', async () => {
    await markOfOther();
    const gateway = new ScriptedGateway({ submit: [unanswered()] });
    expect(await rig.submit(gateway, { takeOver: true })).toMatchObject({ kind: 'unknown' });
    expect(await rig.mark()).toEqual({ chain: 'chain-a', offeredAt: NOW.toISOString() });
    expect(await rig.submit(gateway)).toMatchObject({ kind: 'unknown' });
    expect(await rig.submit(gateway, { chain: 'chain-b' })).toMatchObject({ kind: 'offeredBefore' });
    expect(gateway.submissions).toHaveLength(2);
  });
});

describe('a mark that cannot be read', () => {
  test.each(['alter', 'truncate', 'replace'] as const)(
    'because of %s: nothing is sent, for it may have been of another chain',
    async (damage) => {
      await markOfOther();
      await rig.store[damage](BATCH, Blob.offered(1));
      const gateway = new ScriptedGateway();
      const unreadable = expect.stringContaining(Blob.offered(1)) as string;
      expect(await rig.submit(gateway)).toEqual({ kind: 'offeredBefore', unreadable });
      expect(gateway.submissions).toEqual([]);
      expect(await rig.submit(gateway, { takeOver: true })).toMatchObject({ kind: 'accepted' });
    },
  );

  test('because its key is missing: nothing is sent until the key comes', async () => {
    await markOfOther();
    await rig.store.sealUnderMissingKey(BATCH, Blob.offered(1));
    const gateway = new ScriptedGateway();
    expect(await rig.submit(gateway)).toMatchObject({
      kind: 'unreadable',
      why: 'keyMissing',
      ref: Blob.offered(1),
      keyId: KEY_ELSEWHERE,
    });
    expect(gateway.submissions).toEqual([]);
  });
});

describe('the same chain', () => {
  test('sends the same bytes again, and keeps since when', async () => {
    const gateway = new ScriptedGateway({ submit: [unanswered(), { batchId: 'mc-1' }] });
    await rig.submit(gateway);
    const later = new Date(NOW.getTime() + 60_000);
    expect(await rig.submit(gateway, {}, { now: () => later })).toMatchObject({ kind: 'accepted' });
    expect(new Set(gateway.submissions.map(({ sha256 }) => sha256)).size).toBe(1);
    expect(gateway.submissions).toHaveLength(2);
    expect(await rig.mark()).toMatchObject({ offeredAt: NOW.toISOString() });
  });
});

describe('the receipt', () => {
  test('of what Mastercard accepted stands in the mark', async () => {
    await rig.submit(new ScriptedGateway({ submit: [{ batchId: 'mc-1', flowId: 'site-7' }] }));
    const offeredAt = NOW.toISOString();
    expect(await rig.mark()).toEqual({ chain: 'chain-a', offeredAt, batchId: 'mc-1', flowId: 'site-7' });
  });

  test('is not there where Mastercard did not accept, or did not answer', async () => {
    await rig.submit(new ScriptedGateway({ submit: [unanswered()] }));
    expect(await rig.mark()).toEqual({ chain: 'chain-a', offeredAt: NOW.toISOString() });
  });

  test.each([
    ['cannot be written', () => Promise.reject(diskFull)],
    ['is not written in time', () => new Promise<void>(() => {})],
  ])('that %s does not lose what Mastercard accepted', async (_, put) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }).setTimerTickMode('nextTimerAsync');
    vi.spyOn(rig.store, 'put').mockImplementation(put);
    const answer = await rig.submit(new ScriptedGateway()).finally(() => vi.useRealTimers());
    expect(answer).toMatchObject({ kind: 'accepted', batchId: 'mc-1' });
  });
});

function unanswered() {
  return (_: BatchSubmission): never => {
    throw new GatewayFailure({ kind: 'unknown', operation: 'submitBatch', problem: 'ECONNRESET' });
  };
}
