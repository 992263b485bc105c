import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Reject } from '../../bulk/reject.js';
import { Blob } from '../../enrollment/blobs.js';
import { bulkAddress, bulkBatchId, type ClosedBulk } from '../../enrollment/bulk.js';
import { getJson } from '../../store/store.js';
import { bulkProgressQuery } from '../../workflows/bulk-messages.js';
import { enrollingEverything, startBulk, writePortfolio } from '../support/bulk-rig.js';
import { testRecord, testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

const batchesOf = (bulkId: string, count: number) =>
  Array.from({ length: count }, (_, n) => bulkBatchId(bulkId, n + 1));

describe('a portfolio', () => {
  test('is enrolled in batches of whole consumers, and every card and every bad row is accounted for', async () => {
    const bulkId = rig.nextBatchId('whole');
    await writePortfolio(rig, bulkId, [...testRecords(7), 'no JSON', testRecord(8, 2)]);
    const gateway = enrollingEverything(rig);
    const { result, progress } = await rig.running(gateway, async (_, taskQueue) => {
      const job = await startBulk(rig, taskQueue, bulkId);
      return { result: await job.result(), progress: await job.query(bulkProgressQuery) };
    });

    expect(result).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      batches: 3,
      byStatus: { COMPLETED: 3 },
      counts: { cards: 9, enrolled: 9, pending: 0 },
      rejects: 1,
      reasons: ['1 rows of the source in no batch'],
    });
    expect(progress).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      counts: { cards: 9, enrolled: 9 },
      batches: { found: 3, started: 3, inFlight: 0 },
      source: { isReadToEnd: true, readShare: 1 },
    });
    expect(gateway.submissions.map(({ externalBatchId }) => externalBatchId).sort()).toEqual(
      batchesOf(bulkId, 3),
    );
    for (const id of batchesOf(bulkId, 3)) expect(await rig.blobs(id)).toEqual(['closed', 'outcomes']);
    const address = bulkAddress({ program: PROGRAM, bulkId });
    expect(await getJson<Reject[]>(rig.store, address, Blob.rejects(8))).toEqual([
      { line: 8, path: '', code: 'json_malformed' },
    ]);
    expect(await getJson<ClosedBulk>(rig.store, address, Blob.closed)).toMatchObject({ result });
  });
});
