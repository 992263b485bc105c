import { afterAll, beforeAll, expect, test } from 'vitest';
import { Blob, isKept, isRejects } from '../../enrollment/blobs.js';
import { bulkAddress, bulkBatchId, type BulkResult } from '../../enrollment/bulk.js';
import { putJson } from '../../store/store.js';
import { before } from '../support/activity-interceptors.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { jobWays, takeJob, type JobWay } from './job-ways.js';

const DAMAGES = ['remove', 'alter', 'truncate', 'sealUnderMissingKey'] as const;

/** A way of a job whose own blobs are all damaged just before it closes. */
interface JobCase {
  way: JobWay;
  damage: (typeof DAMAGES)[number];
}

export const jobCases: JobCase[] = jobWays.flatMap((way) => DAMAGES.map((damage) => ({ way, damage })));
/** Each way once, and each damage on several. */
export const fewJobCases = jobWays.map((way, n) => ({ way, damage: DAMAGES[n % DAMAGES.length]! }));

/** A test for each case: the job closes as it would have, and leaves no cardholder data. */
export function testJobsClosing(cases: readonly JobCase[]): void {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.create();
  });
  afterAll(() => rig.close());

  test.each(cases.map((one) => [`${one.way.name}: ${one.damage}`, one] as const))('%s', async (_, one) => {
    const { ends, failure } = one.way;
    const status = ends === 'COMPLETED' ? 'COMPLETED_WITH_ERRORS' : ends;
    expect(await close(rig, one)).toMatchObject({ status, ...(failure && { failure }) });
  });
}

async function close(rig: Rig, { way, damage }: JobCase): Promise<BulkResult> {
  const bulkId = rig.nextBatchId('closing-job');
  const address = bulkAddress({ program: PROGRAM, bulkId });
  const damageAll = before('closeBulk', async () => {
    await putJson(rig.store, address, Blob.bulk, {});
    await putJson(rig.store, address, Blob.closed, { result: 'of an attempt before' });
    const refs = await rig.store.list(address);
    expect(refs.some(isRejects)).toBe(true);
    for (const ref of refs) await rig.store[damage](address, ref);
  });
  // A line that is no record, so that the job has rejects.
  const portfolio = ['no JSON', ...way.portfolio];
  const result = await takeJob({ ...way, name: bulkId, portfolio }, rig, [damageAll]);
  for (let n = 1; n <= result.batches + (result.notStarted ?? []).length; n += 1)
    expect((await rig.blobs(bulkBatchId(bulkId, n))).filter((ref) => !isKept(ref))).toEqual([]);
  return result;
}
