import { afterAll, beforeAll, expect, test } from 'vitest';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { report, ScriptedGateway } from '../support/scripted-gateway.js';
import { until } from '../support/until.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create({ handsOver: () => true });
});
/** Replays every history. */
afterAll(() => rig.close());

test('a run that only goes on waiting takes an update on a worker that has not seen it, and replays', async () => {
  const id = rig.nextBatchId('handed-over');
  const gateway = new ScriptedGateway({ status: [() => report(id, BatchStatusValue.inProgress)] });
  const taskQueue = rig.nextBatchId('c2p-test');
  const [workflows, calls] = await rig.createWorkers({ taskQueue, gateway, maxCachedWorkflows: 0 });
  const result = await workflows.runUntil(
    calls.runUntil(async () => {
      const batch = await rig.client({ taskQueue }).enroll({
        externalBatchId: id,
        program: PROGRAM,
        records: testRecords(1),
        policy: { onPollingDeadline: 'askOperator', polling: { deadline: '1m' } },
      });
      const isAsked = async () => (await batch.progress()).question === 'moreTime';
      for (let polls = gateway.polls.length; polls < 1 || !(await isAsked()); polls = gateway.polls.length)
        await rig.env.sleep(30_000);
      const before = gateway.polls.length;
      await batch.pollNow();
      await until(async () => gateway.polls.length > before && (await isAsked()));
      await batch.extendDeadline({ abandon: true });
      return batch.result();
    }),
  );

  expect(result).toMatchObject({ status: 'EXPIRED', counts: { unreported: 1 } });
});
