import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import type { PolicyInput } from '../../enrollment/policy-schema.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { testCard, testRecord, testRecords } from '../support/records.js';
import { declined, report, ScriptedGateway, success } from '../support/scripted-gateway.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

const { completed, completedWithErrors, inProgress, failed } = BatchStatusValue;

/** Enrolls `records` under a new id and waits for the end. */
async function enrollAll(
  gateway: ScriptedGateway,
  externalBatchId: string,
  records: Parameters<typeof enrollment>[1],
  policy?: PolicyInput,
): Promise<EnrollmentBatch> {
  return rig.running(gateway, async (client) => {
    const batch = await client.enroll({ ...enrollment(externalBatchId, records), policy });
    await batch.result();
    return batch;
  });
}

function enrollment(externalBatchId: string, records: ReturnType<typeof testRecords>) {
  return { externalBatchId, program: PROGRAM, records };
}

describe('a batch that Mastercard processes', () => {
  test('ends COMPLETED with every card ENROLLED when Mastercard enrolled every card', async () => {
    const id = rig.nextBatchId();
    const gateway = new ScriptedGateway({
      status: [
        report(id, inProgress),
        report(id, completed, [success('cust-2', 'card-200'), success('cust-1', 'card-100')]),
      ],
    });
    const batch = await enrollAll(gateway, id, testRecords(2));

    expect(await batch.result()).toMatchObject({
      status: 'COMPLETED',
      batchIds: ['mc-1'],
      counts: { cards: 2, enrolled: 2, pending: 0 },
    });
    expect(await batch.outcomes()).toEqual([
      {
        externalConsumerId: 'cust-1',
        externalCardId: 'card-100',
        status: 'ENROLLED',
        round: 1,
        srcConsumerId: 'src-cust-1',
        srcDigitalCardId: 'dig-card-100',
      },
      expect.objectContaining({ externalCardId: 'card-200', status: 'ENROLLED' }),
    ]);
    expect(gateway.submissions).toHaveLength(1);
    expect(gateway.polls).toHaveLength(2);
  });

  test('keeps only outcomes and its own memory in the store once it is closed', async () => {
    const id = rig.nextBatchId();
    const gateway = new ScriptedGateway({ status: [report(id, completed, [success('cust-1', 'card-100')])] });
    await enrollAll(gateway, id, testRecords(1));

    expect(await rig.blobs(id)).toEqual(['closed', 'offered-1', 'outcomes']);
  });

  test('ends COMPLETED_WITH_ERRORS and tells the reason of each card that was declined', async () => {
    const id = rig.nextBatchId();
    const gateway = new ScriptedGateway({
      status: [
        report(id, completedWithErrors, [
          declined('cust-1', 'card-100', 'PAN_INELIGIBLE'),
          success('cust-2', 'card-200'),
        ]),
      ],
    });
    const batch = await enrollAll(gateway, id, testRecords(2));

    expect(await batch.result()).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      counts: { enrolled: 1, failed: 1 },
    });
    expect((await batch.outcomes())[0]).toMatchObject({
      status: 'FAILED',
      reason: 'PAN_INELIGIBLE',
      round: 1,
    });
  });

  test('gives a card that the answer does not mention the outcome UNREPORTED', async () => {
    const id = rig.nextBatchId();
    const gateway = new ScriptedGateway({ status: [report(id, completed, [success('cust-1', 'card-100')])] });
    const batch = await enrollAll(gateway, id, testRecords(2));

    expect(await batch.result()).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      counts: { enrolled: 1, unreported: 1 },
      reasons: ['1 not reported by Mastercard'],
    });
  });

  test('counts a card once that the answer repeats, and ignores cards that were never sent', async () => {
    const id = rig.nextBatchId();
    const gateway = new ScriptedGateway({
      status: [
        report(id, completed, [
          success('cust-1', 'card-100'),
          success('cust-1', 'card-100'),
          success('stranger', 'card-100'),
        ]),
      ],
    });
    const batch = await enrollAll(gateway, id, testRecords(1));

    expect(await batch.result()).toMatchObject({ status: 'COMPLETED', counts: { cards: 1, enrolled: 1 } });
    expect(await batch.outcomes()).toHaveLength(1);
  });

  test('fails with BatchFailed when Mastercard fails the batch without saying what became of its cards', async () => {
    const id = rig.nextBatchId();
    const gateway = new ScriptedGateway({ status: [report(id, failed)] });
    const batch = await enrollAll(gateway, id, testRecords(1));

    expect(await batch.result()).toMatchObject({
      status: 'FAILED',
      failure: 'BatchFailed',
      counts: { unreported: 1 },
    });
    await expect(rig.workflow(id).result()).rejects.toMatchObject({ cause: { type: 'BatchFailed' } });
    expect(await rig.blobs(id)).toEqual(['closed', 'offered-1', 'outcomes']);
  });
});

describe('a batch with invalid records', () => {
  const bad = { ...testRecord(1), cards: [{ ...testCard(100), primaryAccountNumber: '5204731600014781' }] };

  test('sends the valid cards and reports all in the order of the input, the invalid one by path and code', async () => {
    const id = rig.nextBatchId();
    const gateway = new ScriptedGateway({ status: [report(id, completed, [success('cust-2', 'card-200')])] });
    const batch = await enrollAll(gateway, id, [bad, testRecord(2)]);

    expect(await batch.result()).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      counts: { cards: 2, enrolled: 1, invalid: 1 },
    });
    expect(await batch.outcomes()).toEqual([
      {
        externalConsumerId: 'cust-1',
        externalCardId: 'card-100',
        status: 'INVALID',
        reason: 'INVALID_RECORD',
        details: [{ path: 'cards[0].primaryAccountNumber', code: 'luhn' }],
      },
      expect.objectContaining({ externalCardId: 'card-200', status: 'ENROLLED' }),
    ]);
  });

  test('ends REJECTED without calling Mastercard when no card is valid', async () => {
    const id = rig.nextBatchId();
    const gateway = new ScriptedGateway();
    const batch = await enrollAll(gateway, id, [bad]);

    expect(await batch.result()).toMatchObject({ status: 'REJECTED', counts: { invalid: 1 } });
    expect(gateway.submissions).toHaveLength(0);
  });

  test('sends nothing when one record is invalid and the policy is rejectBatch', async () => {
    const id = rig.nextBatchId();
    const gateway = new ScriptedGateway();
    const batch = await enrollAll(gateway, id, [bad, testRecord(2)], { onInvalidRecords: 'rejectBatch' });

    expect(await batch.result()).toMatchObject({ status: 'REJECTED', counts: { invalid: 1, unreported: 1 } });
    expect(await batch.outcomes()).toContainEqual(
      expect.objectContaining({ externalCardId: 'card-200', status: 'UNREPORTED', reason: 'NOT_SENT' }),
    );
    expect(gateway.submissions).toHaveLength(0);
  });
});
