import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowExecutionStatusName } from '@temporalio/client';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BatchKey, BlobRef } from '../../enrollment/batch.js';
import { Blob, isRecords } from '../../enrollment/blobs.js';
import { KeyRing } from '../../protection/key-ring.js';
import { closeOrphan, type OrphanEnd, type OrphanOptions } from '../../retention/close-orphan.js';
import { findOrphans, type OrphanedBatch } from '../../retention/orphans.js';
import { FilesystemStore } from '../../store/filesystem-store.js';
import { leaveKeyRingProbe } from '../../store/key-ring-probe.js';
import { getJson, putJson } from '../../store/store.js';
import { FakeTemporal, grpcError, HERE, OTHER, type FakeExecution } from './fake-temporal.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const BATCH: BatchKey = { program: 'demo', externalBatchId: 'batch-1' };
const HOUR = 3_600_000;
const LONG_AGO = new Date('2026-01-01');
const TERMINATED: FakeExecution = { status: 'TERMINATED', closeTime: LONG_AGO };

const RECORDS_HERE = Blob.records('a', HERE);
const RECORDS_OTHER = Blob.records('b', OTHER);
/** As versions wrote it that did not note the namespace. */
const RECORDS_BEFORE = 'records-1b4e28ba-2fa1-11d2-883f-0016d3cca427';

let folder: string;
let keyRing: KeyRing;
let store: FilesystemStore;
let temporal: FakeTemporal;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-orphans-'));
  keyRing = KeyRing.parse(KeyRing.generate(), 'test');
  store = new FilesystemStore({ root: folder, keyRing });
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
  for await (const orphan of findOrphans(store, { temporal: temporal.client(), graceMs, now }))
    found.push(orphan);
  return found;
}

function close(orphan: OrphanedBatch | undefined, options: Partial<OrphanOptions> = {}): Promise<OrphanEnd> {
  const deps = {
    temporal: temporal.client(),
    store,
    recordRules: () => batchEnroll.records,
    now: () => new Date(),
  };
  return closeOrphan(deps, orphan!, { by: 'a test', ...options });
}

it('takes the probe of the key ring for no batch', async () => {
  await leaveKeyRingProbe(store, keyRing);
  expect(await orphans({ graceMs: 0 })).toEqual([]);
});

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
    await expect(orphans()).rejects.toThrow('Failed to describe workflow');
    temporal.namespaceId = grpcError(14);
    await expect(orphans()).rejects.toThrow("cannot read namespace 'default'");
  });
});

describe('a caller that died before it started the workflow', () => {
  it('leaves nothing: nobody knows that there is a batch', async () => {
    await sealed([RECORDS_HERE]);
    const [orphan] = await orphans();
    expect(await close(orphan)).toEqual({ kind: 'erased', blobs: 1 });
    expect(await store.list(BATCH)).toEqual([]);
    expect(await orphans()).toEqual([]);
  });

  it('leaves no more than the closed batch, where there is one of that id', async () => {
    await sealed([RECORDS_HERE, Blob.outcomes, Blob.closed]);
    temporal.has(BATCH, { status: 'COMPLETED', closeTime: LONG_AGO });
    const [orphan] = await orphans();
    expect(await close(orphan)).toEqual({ kind: 'erased', blobs: 1 });
    expect(await store.list(BATCH)).toEqual([Blob.closed, Blob.outcomes]);
    expect(await getJson(store, BATCH, Blob.closed)).toEqual([]);
  });
});

describe('an orphan is left alone', () => {
  it('when it is ELSEWHERE, unless that is asked for', async () => {
    await sealed([RECORDS_OTHER]);
    const [orphan] = await orphans();
    expect(await close(orphan)).toEqual({ kind: 'leftAlone' });
    expect(await store.list(BATCH)).toEqual([RECORDS_OTHER]);
    expect(await close(orphan, { elsewhere: true })).toEqual({ kind: 'erased', blobs: 1 });
    expect(await store.list(BATCH)).toEqual([]);
  });

  it('when a caller has begun to enroll it since it was found', async () => {
    await sealed([RECORDS_HERE]);
    await utimes(join(folder, 'demo', 'batch-1', `${RECORDS_HERE}.sealed`), LONG_AGO, LONG_AGO);
    const [orphan] = await orphans();
    const again = Blob.records('again', HERE);
    await sealed([again]);
    expect(await close(orphan)).toEqual({ kind: 'leftAlone' });
    expect(await store.list(BATCH)).toEqual([RECORDS_HERE, again]);
  });

  it('when somebody has taken its termination back since it was found', async () => {
    await sealed([RECORDS_HERE, Blob.validated(1)]);
    temporal.has(BATCH, TERMINATED);
    const [orphan] = await orphans();
    temporal.has(BATCH, { status: 'RUNNING' });
    expect(await close(orphan)).toEqual({ kind: 'leftAlone' });
    expect(await store.list(BATCH)).toHaveLength(2);
  });

  it('as to records that are sealed while it is erased', async () => {
    await sealed([RECORDS_HERE]);
    const [orphan] = await orphans();
    const again = Blob.records('again', HERE);
    const lastWritten = store.lastWritten.bind(store);
    store.lastWritten = async (batch) => {
      const before = await lastWritten(batch);
      await sealed([again]);
      return before;
    };
    await close(orphan);
    expect(await store.list(BATCH)).toEqual([again]);
  });
});

it('whatever is in the store and in Temporal, only what is nobody else’s and long over is closed or erased', async () => {
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
        for (const orphan of await orphans({ inMs: young ? HOUR / 2 : 2 * HOUR })) await close(orphan);
        const left = await store.list(BATCH);
        const ours = !refs.includes(RECORDS_OTHER);
        const unsaid = refs.includes(RECORDS_BEFORE) || !refs.includes(RECORDS_HERE);
        const over = execution ? execution === TERMINATED : !unsaid;
        const hasData = refs.some((ref) => ref !== Blob.outcomes);
        const isDue = !young && ours && over && hasData;
        const began = execution !== undefined || refs.some((ref) => !isRecords(ref));
        const closed = began ? [Blob.closed, Blob.outcomes] : [];
        expect(left).toEqual(isDue ? closed : [...refs].sort());
        for (const ref of left) await store.delete(BATCH, ref);
      },
    ),
    { numRuns: 200 },
  );
});
