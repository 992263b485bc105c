import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OrphanedBatch } from '../../retention/orphans.js';
import { BatchStatusValue } from '../../mastercard/contract.js';
import { putJson } from '../../store/store.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { report, ScriptedGateway, success } from '../support/scripted-gateway.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

async function orphans(graceMs = 0): Promise<OrphanedBatch[]> {
  const found: OrphanedBatch[] = [];
  for await (const orphan of rig.client().orphans(graceMs)) found.push(orphan);
  return found;
}

/** As a caller leaves it that died before it started the workflow. */
async function abandonedRecords(externalBatchId: string): Promise<void> {
  await putJson(rig.store, { program: PROGRAM, externalBatchId }, 'records-x', testRecords(1));
}

test('sealed records that Temporal knows nothing of are found, and erased when that is asked for', async () => {
  await abandonedRecords('never-started');

  const [found, ...others] = await orphans();
  expect(others).toEqual([]);
  expect(found).toMatchObject({ externalBatchId: 'never-started', why: 'UNKNOWN', blobs: 1 });
  await rig.client().eraseOrphan(found!);
  expect(await rig.blobs('never-started')).toEqual([]);
});

test('records that were written within the grace time are left alone: their caller may yet start the batch', async () => {
  await abandonedRecords('just-now');

  expect(await orphans(3_600_000)).toEqual([]);
  for (const orphan of await orphans()) await rig.client().eraseOrphan(orphan);
});

test('a batch that was terminated from outside is found, and its outcomes are kept', async () => {
  const id = rig.nextBatchId('terminated');
  const gateway = new ScriptedGateway({
    status: [
      async () => {
        await rig.workflow(id).terminate('by a test');
        return report(id, BatchStatusValue.inProgress);
      },
    ],
  });
  await rig.running(gateway, async (client) => {
    const batch = await client.enroll({ externalBatchId: id, program: PROGRAM, records: testRecords(1) });
    await expect(batch.result()).rejects.toMatchObject({ code: 'BATCH_TERMINATED' });
  });

  const [found] = await orphans();
  expect(found).toMatchObject({ externalBatchId: id, why: 'ENDED' });
  await rig.client().eraseOrphan(found!);
  expect(await rig.blobs(id)).toEqual(['outcomes']);
});

test('an open batch is never among them', async () => {
  const id = rig.nextBatchId('open');
  let found: OrphanedBatch[] | undefined;
  const gateway = new ScriptedGateway({
    status: [
      async () => {
        found = await orphans();
        return report(id, BatchStatusValue.completed, [success('cust-1', 'card-100')]);
      },
    ],
  });
  await rig.running(gateway, async (client) => {
    await (await client.enroll({ externalBatchId: id, program: PROGRAM, records: testRecords(1) })).result();
  });

  expect(found).toEqual([]);
});
