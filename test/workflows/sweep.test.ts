import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EnrollmentClient } from '../../client/index.js';
import { Blob, type ClosedBatch } from '../../enrollment/blobs.js';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import { namespaceIdOf } from '../../retention/namespace.js';
import { getJson, putJson } from '../../store/store.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { report, ScriptedGateway, success } from '../support/scripted-gateway.js';

const GRACE_MS = 600_000;

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

const keyOf = (externalBatchId: string) => ({ program: PROGRAM, externalBatchId });

function enroll(client: EnrollmentClient, externalBatchId: string) {
  const policy = { polling: { initial: '1h', maximum: '1h' } } as const;
  return client.enroll({ externalBatchId, program: PROGRAM, records: testRecords(1), policy });
}

test('a sweep closes a terminated batch, erases what a caller left that died, and touches no other batch', async () => {
  const [terminated, open, neverStarted, elsewhere] = ['terminated', 'open', 'never-started', 'elsewhere'];
  const gateway = new ScriptedGateway({
    status: [
      report(open, BatchStatusValue.inProgress),
      report(open, BatchStatusValue.inProgress),
      report(open, BatchStatusValue.completed, [success('cust-1', 'card-100')]),
    ],
  });
  await rig.running(gateway, async (client) => {
    const records = Blob.records(randomUUID(), await namespaceIdOf(rig.env.client));
    await putJson(rig.store, keyOf(neverStarted), records, testRecords(1));
    await putJson(rig.store, keyOf(elsewhere), 'records-x', testRecords(1));
    const batch = await enroll(client, open);
    await enroll(client, terminated);
    await rig.env.sleep('30 minutes');
    await rig.workflow(terminated).terminate('by a test');
    await rig.env.sleep('20 minutes');

    const { result, details } = await rig.sweep(GRACE_MS);
    expect(result).toEqual({ graceMs: GRACE_MS, ended: 1, unknown: 1, elsewhere: 1, erasedBlobs: 5 });
    expect(await rig.blobs(terminated)).toEqual([Blob.closed, Blob.offered(1), Blob.outcomes]);
    const closed = await getJson<ClosedBatch>(rig.store, keyOf(terminated), Blob.closed);
    expect(closed.result).toMatchObject({
      status: 'FAILED',
      failure: 'BatchFailed',
      counts: { cards: 1, unreported: 1 },
      reasons: ['its workflow was terminated directly in Temporal (TERMINATED)'],
    });
    expect(await rig.blobs(neverStarted)).toEqual([]);
    expect(await rig.blobs(elsewhere)).toEqual(['records-x']);
    expect(await rig.blobs(open)).toEqual(
      expect.arrayContaining([Blob.cards, expect.stringMatching(/^enrollment-data-1-/)]),
    );
    expect(details).toContain('### Erased cardholder data');
    expect(details).toContain('| 1 | 1 | 1 |');
    expect(details).toContain('`c2p sweep --erase --elsewhere`');

    // Nothing is left to be erased, and the open batch ends as if nothing had been.
    expect((await rig.sweep(GRACE_MS)).result).toMatchObject({
      ended: 0,
      unknown: 0,
      elsewhere: 1,
      erasedBlobs: 0,
    });
    expect(await batch.result()).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 1 } });
  });
});

test('a sweep leaves a batch alone for the grace time after it was terminated directly in Temporal', async () => {
  const id = rig.nextBatchId('just-ended');
  const gateway = new ScriptedGateway({ status: [report(id, BatchStatusValue.inProgress)] });
  await rig.running(gateway, async (client) => {
    await enroll(client, id);
    await rig.env.sleep('30 minutes');
    await rig.workflow(id).terminate('by a test');
    const before = await rig.blobs(id);

    const { result, details } = await rig.sweep(GRACE_MS);
    expect(result).toMatchObject({ ended: 0, erasedBlobs: 0 });
    expect(details).toContain('### Nothing to erase');
    expect(details).toContain('in the 10 min before');
    expect(await rig.blobs(id)).toEqual(before);
  });
});

test('the records that a caller seals say for which namespace', async () => {
  const id = rig.nextBatchId('sealed');
  const gateway = new ScriptedGateway({
    status: [report(id, BatchStatusValue.completed, [success('cust-1', 'card-100')])],
  });
  await rig.running(gateway, async (client) => {
    const batch = await enroll(client, id);
    const namespaceId = await namespaceIdOf(rig.env.client);
    expect((await batch.memo()).records).toMatch(new RegExp(`^records-[0-9a-f-]{36}-for-${namespaceId}$`));
    await batch.result();
  });
});
