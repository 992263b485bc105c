import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger, type LogEntry } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sweepStore, type SweepStoreResult } from '../../activities/sweep-store.js';
import { Blob } from '../../enrollment/blobs.js';
import { KeyRing } from '../../protection/key-ring.js';
import { FilesystemStore } from '../../store/filesystem-store.js';
import { putJson } from '../../store/store.js';
import { FakeTemporal, HERE, OTHER } from '../retention/fake-temporal.js';
import { testKeyId, testRing, testRingJson } from '../support/key-rings.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const DAY = 86_400_000;
const LONG_AGO = new Date('2026-01-01');

let folder: string;
let store: FilesystemStore;
let temporal: FakeTemporal;
let logged: LogEntry[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-sweep-'));
  store = new FilesystemStore({ root: folder, keyRing: testRing(1) });
  temporal = new FakeTemporal();
  logged = [];
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true, force: true });
});

function keyOf(externalBatchId: string) {
  return { program: 'demo', externalBatchId };
}

async function sealed(externalBatchId: string, ...refs: string[]): Promise<void> {
  for (const ref of refs) await putJson(store, keyOf(externalBatchId), ref, []);
}

/** The activity as Temporal runs it, `inMs` from now by Temporal's clock. */
function environment(inMs = 2 * DAY): MockActivityEnvironment {
  const logger = new DefaultLogger('INFO', (entry) => void logged.push(entry));
  const info = { currentAttemptScheduledTimestampMs: Date.now() + inMs };
  return new MockActivityEnvironment(info, { logger, client: temporal.client() });
}

function sweep(activity = environment()): Promise<SweepStoreResult> {
  return activity.run(
    sweepStore({ store, recordRules: () => batchEnroll.records, now: () => new Date(), graceMs: DAY }),
    {},
  );
}

describe('the sweep', () => {
  beforeEach(async () => {
    await sealed('terminated', Blob.records('a', HERE), Blob.validated(1), Blob.outcomes);
    temporal.has(keyOf('terminated'), { status: 'TERMINATED', closeTime: LONG_AGO });
    await sealed('never-started', Blob.records('a', HERE));
    await sealed('open', Blob.records('a', HERE), Blob.validated(1));
    temporal.has(keyOf('open'), { status: 'RUNNING' });
    await sealed('of-another', Blob.records('a', OTHER));
    await sealed('closed', Blob.outcomes, Blob.closed);
  });

  it('closes what was begun, erases what was not, counts it, and leaves every other batch as it is', async () => {
    expect(await sweep()).toEqual({ graceMs: DAY, ended: 1, unknown: 1, elsewhere: 1, erasedBlobs: 3 });
    expect(await store.list(keyOf('terminated'))).toEqual([Blob.closed, Blob.outcomes]);
    expect(await store.list(keyOf('never-started'))).toEqual([]);
    expect(await store.list(keyOf('open'))).toHaveLength(2);
    expect(await store.list(keyOf('of-another'))).toHaveLength(1);
    expect(await store.list(keyOf('closed'))).toHaveLength(2);
  });

  it('does nothing the second time', async () => {
    await sweep();
    expect(await sweep()).toEqual({ graceMs: DAY, ended: 0, unknown: 0, elsewhere: 1, erasedBlobs: 0 });
  });

  it('logs each batch that it closed or erased, and why', async () => {
    await sweep();
    const done = logged.map(({ message, meta }): unknown[] => [
      meta?.externalBatchId,
      meta?.why,
      meta?.blobs,
      message,
    ]);
    expect(done.sort()).toEqual([
      ['never-started', 'UNKNOWN', 1, 'erased an orphaned batch'],
      ['terminated', 'ENDED', 2, 'closed an orphaned batch'],
    ]);
  });

  it('tells the job of a batch that it closed', async () => {
    await sealed('job-000002', Blob.bulkRecords(HERE), Blob.outcomes);
    temporal.hasJob({ program: 'demo', bulkId: 'job' }, { status: 'RUNNING' });
    const searchAttributes = { C2pBulkId: 'job' };
    temporal.has(keyOf('job-000002'), {
      status: 'TERMINATED',
      closeTime: LONG_AGO,
      searchAttributes,
      chain: 'c1',
    });
    expect(await sweep()).toMatchObject({ ended: 2 });
    const body = { externalBatchId: 'job-000002', chain: 'c1', status: 'FAILED' };
    expect(temporal.signals).toMatchObject([{ name: 'batchClosed', args: [{ by: 'the sweep', body }] }]);
  });

  it('leaves alone what needs a key that is missing, says so, and goes on to the others', async () => {
    const ring = testRingJson(1);
    const rotated = testRingJson(1, 2);
    const root = join(folder, 'missing');
    store = new FilesystemStore({ root, keyRing: KeyRing.parse(rotated, 'test') });
    await sealed('terminated', Blob.records('a', HERE), Blob.cards, Blob.outcomes);
    store = new FilesystemStore({ root, keyRing: KeyRing.parse(ring, 'test') });
    await sealed('never-started', Blob.records('a', HERE));
    expect(await sweep()).toMatchObject({ ended: 0, unknown: 1, keyMissing: 1 });
    expect(await store.list(keyOf('terminated'))).toHaveLength(3);
    const warned = logged.find(({ message }) => message === 'an orphaned batch cannot be closed');
    expect(warned?.meta).toMatchObject({
      ...keyOf('terminated'),
      message: expect.stringContaining(`key '${testKeyId(2)}'`) as string,
    });
  });

  it('reckons the grace time by Temporal’s clock', async () => {
    expect(await sweep(environment(DAY / 2))).toMatchObject({ erasedBlobs: 0 });
    expect(await sweep(environment(DAY + 60_000))).toMatchObject({ erasedBlobs: 3 });
  });

  it('seals anew what is not under the current key, of open batches too, and says how much', async () => {
    const ring = testRingJson(1);
    const rotated = testRingJson(1, 2);
    const root = join(folder, 'rotated');
    store = new FilesystemStore({ root, keyRing: KeyRing.parse(ring, 'test') });
    await sealed('open', Blob.records('a', HERE));
    await sealed('closed', Blob.outcomes, Blob.closed);
    store = new FilesystemStore({ root, keyRing: KeyRing.parse(rotated, 'test') });
    expect(await sweep()).toEqual({
      graceMs: DAY,
      ended: 0,
      unknown: 0,
      elsewhere: 0,
      erasedBlobs: 0,
      resealedBlobs: 3,
    });
    expect(await store.keyIdOf(keyOf('open'), Blob.records('a', HERE))).toBe(testKeyId(2));
    expect((await sweep()).resealedBlobs).toBeUndefined();
  });

  it('goes on where an attempt before it failed', async () => {
    const erase = store.delete.bind(store);
    store.delete = vi.fn(erase).mockRejectedValueOnce(new Error('the disk is away'));
    await expect(sweep()).rejects.toThrow('the disk is away');
    const { ended, unknown } = await sweep();
    expect(ended + unknown).toBe(2);
  });

  it('heartbeats while it waits for Temporal', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const activity = environment();
    const heartbeat = vi.fn();
    activity.on('heartbeat', heartbeat);
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      temporal.onDescribe = () => {
        resolve();
        return new Promise((answered) => (answer = answered));
      };
    });
    const sweeping = sweep(activity);
    await asked;
    vi.advanceTimersByTime(10_000);
    expect(heartbeat).toHaveBeenCalledTimes(5);
    temporal.onDescribe = () => Promise.resolve();
    answer();
    expect(await sweeping).toMatchObject({ erasedBlobs: 3 });
  });

  it('stops between two batches when it is cancelled', async () => {
    const activity = environment();
    temporal.onDescribe = () => Promise.resolve(activity.cancel());
    await expect(sweep(activity)).rejects.toThrow('CANCELLED');
    expect(await store.list(keyOf('terminated'))).toHaveLength(3);
    expect(await store.list(keyOf('never-started'))).toHaveLength(1);
  });
});
