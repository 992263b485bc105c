import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowExecutionStatusName } from '@temporalio/client';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BatchKey, BlobRef } from '../../enrollment/batch.js';
import { Blob } from '../../enrollment/blobs.js';
import { KeyRing } from '../../protection/key-ring.js';
import { eraseOrphan, findOrphans, type OrphanedBatch } from '../../retention/orphans.js';
import { FilesystemStore } from '../../store/filesystem-store.js';
import { putJson } from '../../store/store.js';
import { FakeTemporal, grpcError, HERE, OTHER, type FakeExecution } from './fake-temporal.js';

const BATCH: BatchKey = { program: 'demo', externalBatchId: 'batch-1' };
const HOUR = 3_600_000;
const LONG_AGO = new Date('2026-01-01');
const TERMINATED: FakeExecution = { status: 'TERMINATED', closeTime: LONG_AGO };

const RECORDS_HERE = Blob.records('a', HERE);
const RECORDS_OTHER = Blob.records('b', OTHER);
/** As versions wrote it that did not note the namespace. */
const RECORDS_BEFORE = 'records-1b4e28ba-2fa1-11d2-883f-0016d3cca427';

let folder: string;
let store: FilesystemStore;
let temporal: FakeTemporal;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-orphans-'));
  store = new FilesystemStore({ root: folder, keyRing: KeyRing.parse(KeyRing.generate(), 'test') });
  temporal = new FakeTemporal();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function sealed(refs: readonly BlobRef[], batch = BATCH): Promise<void> {
  for (const ref of refs) await putJson(store, batch, ref, []);
}

/** Two hours from now unless the test says otherwise: all was written long before. */
async function orphans({ graceMs = HOUR, inMs = 2 * HOUR } = {}): Promise<OrphanedBatch[]> {
  const now = new Date(Date.now() + inMs);
  const found: OrphanedBatch[] = [];
  const search = { temporal: temporal.client(), store, graceMs, now };
  for await (const orphan of findOrphans(search)) found.push(orphan);
  return found;
}

describe('a batch with cardholder data', () => {
  const open: WorkflowExecutionStatusName[] = ['RUNNING', 'PAUSED', 'CONTINUED_AS_NEW', 'UNKNOWN'];
  it.each(open)('is no orphan while its workflow is %s', async (status) => {
    await sealed([RECORDS_HERE, Blob.validated(1)]);
    temporal.has(BATCH, { status });
    expect(await orphans({ graceMs: 0 })).toEqual([]);
  });

  it('is no orphan while a bulk job may still start it, and is one when the job is over', async () => {
    const batch = { program: 'demo', externalBatchId: 'portfolio-000007' };
    const job = { program: 'demo', bulkId: 'portfolio' };
    await sealed([RECORDS_HERE], batch);
    temporal.hasJob(job, { status: 'RUNNING' });
    expect(await orphans({ graceMs: 0 })).toEqual([]);
    temporal.hasJob(job, TERMINATED);
    expect(await orphans({ graceMs: 0 })).toMatchObject([{ ...batch, why: 'UNKNOWN' }]);
  });

  const closed: WorkflowExecutionStatusName[] = [
    'TERMINATED',
    'TIMED_OUT',
    'FAILED',
    'COMPLETED',
    'CANCELLED',
  ];
  it.each(closed)('is ENDED when its workflow is %s', async (status) => {
    await sealed([RECORDS_HERE, Blob.validated(1), Blob.outcomes]);
    temporal.has(BATCH, { status, closeTime: LONG_AGO });
    expect(await orphans()).toMatchObject([{ ...BATCH, why: 'ENDED', blobs: 2 }]);
  });

  it('is UNKNOWN when it was sealed for this namespace, which does not know it', async () => {
    await sealed([RECORDS_HERE]);
    expect(await orphans()).toMatchObject([{ ...BATCH, why: 'UNKNOWN', blobs: 1 }]);
  });

  it('is ELSEWHERE when it was sealed for another namespace, whatever this one knows of the id', async () => {
    await sealed([RECORDS_HERE, RECORDS_OTHER]);
    expect(await orphans()).toMatchObject([{ why: 'ELSEWHERE' }]);
    temporal.has(BATCH, TERMINATED);
    expect(await orphans()).toMatchObject([{ why: 'ELSEWHERE' }]);
  });

  it.each<[string, BlobRef[]]>([
    ['its records do not note for which namespace', [RECORDS_BEFORE]],
    ['only some of its records do', [RECORDS_BEFORE, RECORDS_HERE]],
    ['it has no records any more', [Blob.validated(1), Blob.cards]],
  ])(
    'is ELSEWHERE when Temporal does not know it and %s, but ENDED when its workflow ended here',
    async (_, refs) => {
      await sealed(refs);
      expect(await orphans()).toMatchObject([{ why: 'ELSEWHERE' }]);
      temporal.has(BATCH, TERMINATED);
      expect(await orphans()).toMatchObject([{ why: 'ENDED' }]);
    },
  );

  it('is never UNKNOWN to a caller who may not read which namespace this is', async () => {
    temporal.namespaceId = grpcError(7);
    await sealed([RECORDS_HERE]);
    expect(await orphans()).toMatchObject([{ why: 'ELSEWHERE' }]);
  });
});

describe('a batch is left alone', () => {
  it('once it holds no cardholder data, whether c2p closed it or the sweep erased it', async () => {
    await sealed([Blob.outcomes, Blob.closed]);
    await sealed([Blob.outcomes], { ...BATCH, externalBatchId: 'batch-2' });
    temporal.has(BATCH, { status: 'COMPLETED', closeTime: LONG_AGO });
    expect(await orphans({ graceMs: 0 })).toEqual([]);
  });

  it('for the grace time after it was written to: its caller may yet start it', async () => {
    await sealed([RECORDS_HERE]);
    expect(await orphans({ inMs: HOUR / 2 })).toEqual([]);
    expect(await orphans({ inMs: HOUR + 1_000 })).toHaveLength(1);
  });

  it('for the grace time after its workflow ended: an operator may yet take that back', async () => {
    await sealed([RECORDS_HERE]);
    temporal.has(BATCH, { status: 'TERMINATED', closeTime: new Date(Date.now() + HOUR) });
    expect(await orphans({ inMs: 1.5 * HOUR })).toEqual([]);
    expect(await orphans({ inMs: 2 * HOUR + 1_000 })).toMatchObject([{ why: 'ENDED' }]);
  });

  it('when Temporal does not answer: the search ends there', async () => {
    await sealed([RECORDS_HERE]);
    temporal.onDescribe = () => Promise.reject(grpcError(14));
    await expect(orphans()).rejects.toThrow('14');
    temporal.namespaceId = grpcError(14);
    await expect(orphans()).rejects.toThrow("cannot read namespace 'default'");
  });
});

describe('erasing an orphan', () => {
  it('erases what holds cardholder data and keeps the outcomes', async () => {
    await sealed([RECORDS_HERE, Blob.validated(1), Blob.enrollmentData(1), Blob.cards, Blob.outcomes]);
    const [orphan] = await orphans();
    expect(await eraseOrphan(store, orphan!)).toBe(4);
    expect(await store.list(BATCH)).toEqual([Blob.outcomes]);
    expect(await orphans()).toEqual([]);
  });

  it('goes on where it was interrupted, still knowing whose the batch is', async () => {
    await sealed([RECORDS_HERE, Blob.validated(1), Blob.cards]);
    const [orphan] = await orphans();
    const erase = store.delete.bind(store);
    let erased = 0;
    store.delete = async (...args) => {
      if (erased === 2) throw new Error('interrupted');
      await erase(...args);
      erased += 1;
    };
    await expect(eraseOrphan(store, orphan!)).rejects.toThrow('interrupted');
    store.delete = erase;
    const [again] = await orphans();
    expect(again).toMatchObject({ why: 'UNKNOWN', blobs: 1 });
    expect(await eraseOrphan(store, again!)).toBe(1);
    expect(await store.list(BATCH)).toEqual([]);
  });

  it('leaves alone what is ELSEWHERE unless that is asked for', async () => {
    await sealed([RECORDS_OTHER]);
    const [orphan] = await orphans();
    expect(await eraseOrphan(store, orphan!)).toBe(0);
    expect(await store.list(BATCH)).toEqual([RECORDS_OTHER]);
    expect(await eraseOrphan(store, orphan!, { elsewhere: true })).toBe(1);
    expect(await store.list(BATCH)).toEqual([]);
  });

  it('leaves alone a batch that a caller has begun to enroll since it was found', async () => {
    await sealed([RECORDS_HERE]);
    await utimes(join(folder, 'demo', 'batch-1', `${RECORDS_HERE}.sealed`), LONG_AGO, LONG_AGO);
    const again = Blob.records('again', HERE);
    temporal.onDescribe = () => sealed([again]);
    const [orphan] = await orphans();
    expect(await eraseOrphan(store, orphan!)).toBe(0);
    expect(await store.list(BATCH)).toEqual([RECORDS_HERE, again]);
  });

  it('leaves alone records that are sealed while it erases', async () => {
    await sealed([RECORDS_HERE]);
    const [orphan] = await orphans();
    const again = Blob.records('again', HERE);
    const lastWritten = store.lastWritten.bind(store);
    store.lastWritten = async (batch) => {
      const before = await lastWritten(batch);
      await sealed([again]);
      return before;
    };
    expect(await eraseOrphan(store, orphan!)).toBe(1);
    expect(await store.list(BATCH)).toEqual([again]);
  });
});

it('whatever is in the store and in Temporal, only what is nobody else’s and long over is erased', async () => {
  const states: (FakeExecution | undefined)[] = [
    undefined,
    { status: 'RUNNING' },
    { status: 'PAUSED' },
    TERMINATED,
    { status: 'TIMED_OUT', closeTime: new Date(Date.now() + 1.5 * HOUR) },
  ];
  const blobs = [RECORDS_HERE, RECORDS_OTHER, RECORDS_BEFORE, Blob.validated(1), Blob.outcomes];
  await fc.assert(
    fc.asyncProperty(
      fc.subarray(blobs, { minLength: 1 }),
      fc.constantFrom(...states),
      fc.boolean(),
      async (refs, execution, young) => {
        temporal = new FakeTemporal();
        await sealed(refs);
        if (execution) temporal.has(BATCH, execution);
        for (const orphan of await orphans({ inMs: young ? HOUR / 2 : 2 * HOUR })) {
          await eraseOrphan(store, orphan);
        }
        const left = await store.list(BATCH);
        const ours = !refs.includes(RECORDS_OTHER);
        const unsaid = refs.includes(RECORDS_BEFORE) || !refs.includes(RECORDS_HERE);
        const over = execution ? execution === TERMINATED : !unsaid;
        const kept = !young && ours && over ? refs.filter((ref) => ref === Blob.outcomes) : refs;
        expect(left).toEqual([...kept].sort());
        for (const ref of left) await store.delete(BATCH, ref);
      },
    ),
    { numRuns: 200 },
  );
});
