import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BatchConflictError,
  BatchInvalidError,
  BatchNotFoundError,
  ProgramUnknownError,
} from '../../client/errors.js';
import type { BatchResult } from '../../enrollment/batch.js';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { testCard, testRecord, testRecords } from '../support/records.js';
import { report, ScriptedGateway, success } from '../support/scripted-gateway.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

function completing(id: string): ScriptedGateway {
  return new ScriptedGateway({
    status: [report(id, BatchStatusValue.completed, [success('cust-1', 'card-100')])],
  });
}

describe('starting the same batch twice', () => {
  test('is one batch, also at the same time', async () => {
    const id = rig.nextBatchId();
    const gateway = completing(id);
    const enrollment = { externalBatchId: id, program: PROGRAM, records: testRecords(1) };
    const results = await rig.running(gateway, async (client) => {
      const batches = await Promise.all(Array.from({ length: 5 }, () => client.enroll(enrollment)));
      const ends: BatchResult[] = [];
      for (const batch of batches) ends.push(await batch.result());
      return ends;
    });

    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
    expect(gateway.submissions).toHaveLength(1);
    expect(await rig.blobs(id)).toEqual(['closed', 'offered-1', 'outcomes']);
  });

  test('is one batch after it was closed: nothing is sent again', async () => {
    const id = rig.nextBatchId();
    const gateway = completing(id);
    const enrollment = { externalBatchId: id, program: PROGRAM, records: testRecords(1) };
    const [first, second] = await rig.running(gateway, async (client) => [
      await (await client.enroll(enrollment)).result(),
      await (await client.enroll(enrollment)).result(),
    ]);

    expect(second).toEqual(first);
    expect(gateway.submissions).toHaveLength(1);
  });

  test('is the same batch when the records differ only in the order of their fields', async () => {
    const id = rig.nextBatchId();
    const gateway = completing(id);
    const record = testRecord(1);
    const reordered = Object.fromEntries(Object.entries(record).reverse()) as unknown as typeof record;
    await rig.running(gateway, async (client) => {
      await client.enroll({ externalBatchId: id, program: PROGRAM, records: [record] });
      const batch = await client.enroll({ externalBatchId: id, program: PROGRAM, records: [reordered] });
      await batch.result();
    });

    expect(gateway.submissions).toHaveLength(1);
  });
});

describe('other records under the id of a batch', () => {
  test('are refused with BatchConflictError while it is open and after it was closed, and are not kept', async () => {
    const id = rig.nextBatchId();
    const others = { externalBatchId: id, program: PROGRAM, records: testRecords(2) };
    await rig.running(completing(id), async (client) => {
      const batch = await client.enroll({ ...others, records: testRecords(1) });
      await expect(client.enroll(others)).rejects.toThrow(BatchConflictError);
      await batch.result();
      await expect(client.enroll(others)).rejects.toThrow(BatchConflictError);
    });

    expect(await rig.blobs(id)).toEqual(['closed', 'offered-1', 'outcomes']);
  });

  test('lose against the records that came first when both come at the same time', async () => {
    const id = rig.nextBatchId();
    const one = { externalBatchId: id, program: PROGRAM, records: testRecords(1) };
    const attempts = await rig.running(completing(id), async (client) => {
      const settled = await Promise.allSettled([
        client.enroll(one),
        client.enroll({ ...one, records: testRecords(2) }),
      ]);
      for (const attempt of settled) if (attempt.status === 'fulfilled') await attempt.value.result();
      return settled;
    });

    expect(attempts.map((attempt) => attempt.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(attempts.find((attempt) => attempt.status === 'rejected')?.reason).toBeInstanceOf(
      BatchConflictError,
    );
  });
});

describe('a batch that cannot be started', () => {
  const enrollment = { externalBatchId: 'never', program: PROGRAM, records: testRecords(1) };

  test('with no records is refused', async () => {
    await expect(rig.client().enroll({ ...enrollment, records: [] })).rejects.toThrow(/has no records/);
  });

  test('with 251 cards is refused, and told how many fit', async () => {
    const attempt = rig.client().enroll({ ...enrollment, records: testRecords(251) });
    await expect(attempt).rejects.toThrow(BatchInvalidError);
    await expect(attempt).rejects.toThrow(/251 cards; at most 250/);
  });

  test('counts cards, not consumers, against the limit', async () => {
    const attempt = rig.client({ maxCardsPerBatch: 3 }).enroll({
      ...enrollment,
      records: [testRecord(1, 2), testRecord(2, 2)],
    });
    await expect(attempt).rejects.toThrow(/4 cards; at most 3/);
  });

  test('with a card number as its id is refused without repeating it', async () => {
    const { primaryAccountNumber } = testCard(1);
    const error = await rig
      .client()
      .enroll({ ...enrollment, externalBatchId: primaryAccountNumber })
      .catch((reason: unknown) => reason as Error);
    expect(error).toBeInstanceOf(BatchInvalidError);
    expect((error as Error).message).not.toContain(primaryAccountNumber);
  });

  test('is not asked for either, under such an id', async () => {
    const { primaryAccountNumber } = testCard(1);
    const client = rig.client();
    for (const look of [() => client.find(primaryAccountNumber), () => client.batch(primaryAccountNumber)]) {
      const error = await (async () => look())().catch((reason: unknown) => reason as Error);
      expect(error).toBeInstanceOf(BatchInvalidError);
      expect((error as Error).message).not.toContain(primaryAccountNumber);
    }
  });

  test('for a program that is not configured is refused', async () => {
    await expect(rig.client().enroll({ ...enrollment, program: 'other' })).rejects.toThrow(
      ProgramUnknownError,
    );
  });

  test('leaves nothing in the store', async () => {
    expect(await rig.blobs('never')).toEqual([]);
  });
});

test('a batch that does not exist is said not to exist', async () => {
  await expect(rig.client().find('no-such-batch')).rejects.toThrow(BatchNotFoundError);
  await expect(rig.client().batch('no-such-batch').progress()).rejects.toThrow(BatchNotFoundError);
});

test('progress of a batch tells the counts of its end after it was closed', async () => {
  const id = rig.nextBatchId();
  const progress = await rig.running(completing(id), async (client) => {
    const batch = await client.enroll({ externalBatchId: id, program: PROGRAM, records: testRecords(1) });
    await batch.result();
    return batch.progress();
  });

  expect(progress).toMatchObject({
    status: 'COMPLETED',
    batchIds: ['mc-1'],
    counts: { cards: 1, enrolled: 1 },
  });
});
