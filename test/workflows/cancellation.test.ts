import { Context } from '@temporalio/activity';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import { GatewayFailure } from '../../mastercard/errors.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { testRecords } from '../support/records.js';
import { report, ScriptedGateway } from '../support/scripted-gateway.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

function enrollment(externalBatchId: string) {
  return {
    externalBatchId,
    program: PROGRAM,
    records: testRecords(2),
    policy: { onCancel: 'leave' as const },
  };
}

test('a batch that is cancelled before Mastercard accepted it ends CANCELLED, each card accounted for and erased', async () => {
  const id = rig.nextBatchId();
  const gateway = new ScriptedGateway({
    submit: [
      async () => {
        await rig.client().batch(id).cancel();
        throw new GatewayFailure({ operation: 'submitBatch', kind: 'notAccepted', httpStatus: 503 });
      },
    ],
  });
  const { result, outcomes } = await rig.running(gateway, async (client) => {
    const batch = await client.enroll(enrollment(id));
    return { result: await batch.result(), outcomes: await batch.outcomes() };
  });

  expect(result).toMatchObject({ status: 'CANCELLED', batchIds: [], counts: { cards: 2, unreported: 2 } });
  expect(outcomes.map((outcome) => outcome.reason)).toEqual(['CANCELLED_NOT_SENT', 'CANCELLED_NOT_SENT']);
  expect((await rig.workflow(id).describe()).status.name).toBe('CANCELLED');
  expect(await rig.blobs(id)).toEqual(['closed', 'offered-1', 'outcomes']);
  expect(gateway.submissions).toHaveLength(1);
});

test('what an operator asks is in the history with the identity of their client', async () => {
  const id = rig.nextBatchId();
  const gateway = new ScriptedGateway({ status: [report(id, BatchStatusValue.inProgress)] });
  await rig.running(gateway, async (client) => {
    const batch = await client.enroll(enrollment(id));
    await batch.updatePolicy({ polling: { deadline: '5h' } });
    await batch.cancel();
    await batch.result();
  });

  const events = (await rig.histories(id)).flatMap((history) => history.events ?? []);
  const identities = events.flatMap(({ workflowExecutionUpdateAcceptedEventAttributes: accepted }) =>
    accepted ? [accepted.acceptedRequest?.meta?.identity] : [],
  );
  const { identity } = rig.env.client.options;
  expect(identities).toEqual([identity, identity]);
});

test('a cancellation does not interrupt a submission: a batch that was accepted keeps its batchId', async () => {
  const id = rig.nextBatchId();
  const gateway = new ScriptedGateway({
    submit: [
      async () => {
        await rig.client().batch(id).cancel();
        return { batchId: 'mc-7' };
      },
    ],
    status: [report(id, BatchStatusValue.inProgress)],
  });
  const result = await rig.running(gateway, async (client) => (await client.enroll(enrollment(id))).result());

  expect(result).toMatchObject({ status: 'CANCELLED', batchIds: ['mc-7'], counts: { unreported: 2 } });
  expect(result.reasons).toEqual(['cancelled while Mastercard had the batch']);
});

test('a batch that is cancelled while Mastercard is being asked for its status ends CANCELLED', async () => {
  const id = rig.nextBatchId();
  const gateway = new ScriptedGateway({
    status: [
      async () => {
        await rig.client().batch(id).cancel();
        await Context.current().cancelled.catch(() => undefined);
        throw new GatewayFailure({ operation: 'fetchBatchStatus', kind: 'unknown', problem: 'aborted' });
      },
    ],
  });
  const result = await rig.running(gateway, async (client) => (await client.enroll(enrollment(id))).result());

  expect(result).toMatchObject({ status: 'CANCELLED', batchIds: ['mc-1'] });
});
