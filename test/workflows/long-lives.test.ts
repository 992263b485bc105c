import { afterAll, beforeAll, expect, test } from 'vitest';
import { BatchStatusValue } from '../../mastercard/contract.js';
import { GatewayFailure } from '../../mastercard/errors.js';
import type { BatchReport } from '../../mastercard/gateway.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { report, ScriptedGateway, success } from '../support/scripted-gateway.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

/** More than one run's history takes: each is 11 events, and a run ends at 8,000 at the latest. */
const POLLS = Number(process.env['C2P_TEST_POLLS'] ?? 1_000);
const OFFERS = 1_000;
const LONG = { timeout: 60_000 + POLLS * 60 };

test(
  'a batch of very many polls is handed over from run to run and ends well',
  { timeout: 240_000 },
  async () => {
    const id = rig.nextBatchId('long');
    let polls = 0;
    const answer = (): BatchReport => {
      polls += 1;
      return polls < POLLS
        ? report(id, BatchStatusValue.inProgress)
        : report(id, BatchStatusValue.completed, [success('cust-1', 'card-100')]);
    };
    const gateway = new ScriptedGateway({ status: [answer] });
    const { result, progress } = await rig.running(gateway, async (client) => {
      const batch = await client.enroll({
        externalBatchId: id,
        program: PROGRAM,
        records: testRecords(1),
        policy: { polling: { initial: '1m', maximum: '1m', deadline: '90d' } },
      });
      const result = await batch.result();
      return { result, progress: await rig.workflow(id).query('progress') };
    });

    expect(result).toMatchObject({ status: 'COMPLETED', batchIds: ['mc-1'], counts: { enrolled: 1 } });
    expect(progress).toMatchObject({ polling: { polls: POLLS }, submission: { attempts: 1 } });
    expect(gateway.submissions).toHaveLength(1);
    const histories = await rig.histories(id);
    expect(histories.length).toBeGreaterThan(1);
    for (const { events } of histories) expect(events?.length).toBeLessThan(10_240);
  },
);

test(
  'a batch that Mastercard does not take for very long is handed over and taken in the end, once',
  LONG,
  async () => {
    const id = rig.nextBatchId('long');
    const throttled = new GatewayFailure({ operation: 'submitBatch', kind: 'notAccepted', httpStatus: 429 });
    const gateway = new ScriptedGateway({
      submit: [...Array<GatewayFailure>(OFFERS).fill(throttled), { batchId: 'mc-1' }],
      status: [report(id, BatchStatusValue.completed, [success('cust-1', 'card-100')])],
    });
    const result = await rig.running(gateway, async (client) => {
      const batch = await client.enroll({
        externalBatchId: id,
        program: PROGRAM,
        records: testRecords(1),
        policy: { submission: { initial: '1m', maximum: '1m', deadline: '90d' } },
      });
      return batch.result();
    });

    expect(result).toMatchObject({ status: 'COMPLETED', batchIds: ['mc-1'] });
    expect(new Set(gateway.submissions.map(({ sha256 }) => sha256)).size).toBe(1);
    expect(gateway.submissions).toHaveLength(OFFERS + 1);
    expect((await rig.histories(id)).length).toBeGreaterThan(1);
  },
);
