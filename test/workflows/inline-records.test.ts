import type { WorkflowHandle } from '@temporalio/client';
import { WorkflowFailedError } from '@temporalio/client';
import type { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BatchConflictError, BatchInvalidError } from '../../client/errors.js';
import type { BatchResult } from '../../enrollment/batch.js';
import { Blob } from '../../enrollment/blobs.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import { putJson } from '../../store/store.js';
import { testCard, testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { report, ScriptedGateway, success } from '../support/scripted-gateway.js';
import { until } from '../support/until.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

const { completed, inProgress } = BatchStatusValue;
const both = (id: string) =>
  report(id, completed, [success('cust-1', 'card-100'), success('cust-2', 'card-200')]);

/** Starts a batch as a client in another language does: with nothing but Temporal and the codec. */
function start(taskQueue: string, input: unknown, workflowId: string): Promise<WorkflowHandle> {
  return rig.env.client.workflow.start('batchEnrollment', {
    taskQueue,
    workflowId,
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    args: [input],
  });
}

function startInline(
  taskQueue: string,
  externalBatchId: string,
  records: EnrollmentRecord[],
  policy?: unknown,
) {
  const key = { program: PROGRAM, externalBatchId };
  return start(taskQueue, { ...key, records: { inline: records }, policy }, workflowIdOf(key));
}

/** What a workflow that was started with this input fails with. */
async function refusal(
  externalBatchId: string,
  input: object,
  workflowId?: string,
): Promise<ApplicationFailure> {
  return rig.running(new ScriptedGateway(), async (_, taskQueue) => {
    const key = { program: PROGRAM, externalBatchId };
    const handle = await start(taskQueue, { ...key, ...input }, workflowId ?? workflowIdOf(key));
    const error: unknown = await handle.result().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    const { cause } = error as WorkflowFailedError;
    expect(cause).toMatchObject({ type: 'InputRefused' });
    return cause as ApplicationFailure;
  });
}

describe('a batch that is started with its records inline', () => {
  test('is enrolled like any other, and its records are erased', async () => {
    const id = rig.nextBatchId('inline');
    const gateway = new ScriptedGateway({ status: [both(id)] });
    await rig.running(gateway, async (client, taskQueue) => {
      const handle = await startInline(taskQueue, id, testRecords(2));
      expect((await handle.result()) as BatchResult).toMatchObject({
        status: 'COMPLETED',
        counts: { cards: 2, enrolled: 2 },
      });
      const batch = client.batch(id, PROGRAM);
      expect((await batch.outcomes()).map(({ status }) => status)).toEqual(['ENROLLED', 'ENROLLED']);
      expect(await batch.progress()).toMatchObject({ status: 'COMPLETED' });
    });
    expect(gateway.submissions).toHaveLength(1);
    expect(await rig.blobs(id)).toEqual(['closed', 'offered-1', 'outcomes']);
  });

  test('has the policy of the program, and over it what the input says in words', async () => {
    const id = rig.nextBatchId('inline');
    const gateway = new ScriptedGateway({ status: [report(id, inProgress), both(id)] });
    await rig.running(gateway, async (client, taskQueue) => {
      const handle = await startInline(taskQueue, id, testRecords(2), {
        polling: { initial: '2h', maximum: '2h' },
      });
      await until(async () => (await client.batch(id, PROGRAM).progress()).status === 'PROCESSING');
      const { policy } = await client.batch(id, PROGRAM).progress();
      expect(policy).toMatchObject({ polling: { initial: 7_200_000 }, onCancel: 'rollback' });
      await handle.result();
    });
  });

  test('is the batch of a client that enrolls the same records under its id, and a conflict for others', async () => {
    const id = rig.nextBatchId('inline');
    const gateway = new ScriptedGateway({ status: [both(id)] });
    await rig.running(gateway, async (client, taskQueue) => {
      await startInline(taskQueue, id, testRecords(2), { polling: { initial: '1h', maximum: '1h' } });
      await until(async () => (await client.batch(id, PROGRAM).progress()).status === 'PROCESSING');
      const request = { externalBatchId: id, program: PROGRAM };
      await expect(client.enroll({ ...request, records: testRecords(1) })).rejects.toThrow(
        BatchConflictError,
      );
      const same = await client.enroll({ ...request, records: testRecords(2) });
      expect(await same.result()).toMatchObject({ status: 'COMPLETED' });
    });
    expect(gateway.submissions).toHaveLength(1);
  });

  test('and cancelled before anybody took it still gives every card an outcome, and leaves nothing behind', async () => {
    const id = rig.nextBatchId('inline');
    const gateway = new ScriptedGateway();
    const taskQueue = rig.nextBatchId('taken-later');
    const handle = await startInline(taskQueue, id, testRecords(2));
    await handle.cancel();
    await rig.running(
      gateway,
      async (client) => {
        const batch = client.batch(id, PROGRAM);
        expect(await batch.result()).toMatchObject({ status: 'CANCELLED', counts: { unreported: 2 } });
        expect((await batch.outcomes()).map(({ reason }) => reason)).toEqual([
          'CANCELLED_NOT_SENT',
          'CANCELLED_NOT_SENT',
        ]);
      },
      taskQueue,
    );
    expect(gateway.submissions).toHaveLength(0);
    expect(await rig.blobs(id)).toEqual(['closed', 'outcomes']);
  });
});

describe('records inline that cannot be used', () => {
  const inline = testRecords(1);
  const SECRET = 'cvv 9726';
  const withCard = (fields: object) => ({ ...inline[0], cards: [{ ...testCard(1), ...fields }] });

  test.each<[string, object, RegExp]>([
    ['no records', { records: { inline: [] } }, /has no records/],
    ['records that are no list', { records: { inline: 'all' } }, /^records\.inline must be a list$/],
    ['records under another name', { records: { list: [] } }, /^records has a field .* it may have: inline$/],
    [
      'more cards than go into one batch',
      { records: { inline: testRecords(251) } },
      /251 cards; at most 250/,
    ],
    [
      'a policy that does not exist',
      { records: { inline }, policy: { polling: { initial: 'soon' } } },
      /polling\.initial/,
    ],
  ])('%s: the workflow fails with InputRefused, and nothing is kept', async (_, input, reason) => {
    const id = rig.nextBatchId('refused');
    expect((await refusal(id, input)).message).toMatch(reason);
    expect(await rig.blobs(id)).toEqual([]);
  });

  test.each<[string, object, string]>([
    [
      'a security code',
      { records: { inline: [withCard({ cvv: SECRET })] } },
      'records.inline[0].cards[0].cvv must never be sent',
    ],
    [
      'a field that no record has',
      { records: { inline: [...inline, { ...inline[0], [SECRET]: SECRET }] } },
      'records.inline[1] has a field that c2p does not know; it may have: externalConsumerId, consumer, cards',
    ],
    [
      'an object in the place of a text',
      { records: { inline: [withCard({ externalCardId: { cvv: SECRET } })] } },
      'records.inline[0].cards[0].externalCardId must not be an object',
    ],
    [
      'a text in the place of a list',
      { records: { inline: [{ ...inline[0], cards: SECRET }] } },
      'records.inline[0].cards must be a list',
    ],
    [
      'a policy with a field that no policy has',
      { records: { inline }, policy: { polling: { [SECRET]: SECRET } } },
      'policy.polling has a field that c2p does not know; it may have: initial, ',
    ],
  ])('with %s: they are not written into history again', async (_, input, problem) => {
    const id = rig.nextBatchId('refused');
    const { message } = await refusal(id, input);
    expect(message).toContain(problem);
    expect(message).not.toContain(SECRET);
    const key = { program: PROGRAM, externalBatchId: id };
    const { events } = await rig.env.client.workflow.getHandle(workflowIdOf(key)).fetchHistory();
    expect(events!.filter((event) => event.activityTaskScheduledEventAttributes)).toEqual([]);
    expect(await rig.blobs(id)).toEqual([]);
  });

  test('more bytes than go with a workflow: the limit and what to do are named', async () => {
    const [record] = testRecords(1);
    const large = { ...record!, consumer: { ...record!.consumer, firstName: 'é'.repeat(500_000) } };
    const { message } = await refusal(rig.nextBatchId('refused'), { records: { inline: [large] } });
    expect(message).toMatch(
      /is 1000\d{3} bytes of JSON; at most 1000000 go with a workflow: split the batch/,
    );
  });

  test('under the workflow id of another batch: it might be submitted twice', async () => {
    const id = rig.nextBatchId('refused');
    const { message } = await refusal(id, { records: { inline } }, `mine/${id}`);
    expect(message).toContain(`the workflow id must be 'batch-enrollment/${PROGRAM}/${id}'`);
  });

  test('with a card number in the place of an id: it is not repeated', async () => {
    const pan = testCard(1).primaryAccountNumber;
    for (const input of [{ externalBatchId: pan }, { program: pan }]) {
      const id = rig.nextBatchId('refused');
      const { message } = await refusal(id, { records: { inline }, ...input });
      expect(message).not.toContain(pan);
    }
  });

  test('of a batch that the store remembers, though Temporal has forgotten it', async () => {
    const id = rig.nextBatchId('forgotten');
    const closed = {
      recordsDigest: '',
      closedAt: '2026-11-01T00:00:00.000Z',
      result: { status: 'COMPLETED' },
    };
    await putJson(rig.store, { program: PROGRAM, externalBatchId: id }, Blob.closed, closed);
    const { message } = await refusal(id, { records: { inline } });
    expect(message).toContain(
      'was closed at 2026-11-01T00:00:00.000Z as COMPLETED; send these records under',
    );
    expect(await rig.blobs(id)).toEqual([Blob.closed]);
  });

  test('reaches the caller that waits for the batch with the client', async () => {
    const id = rig.nextBatchId('refused');
    await rig.running(new ScriptedGateway(), async (client, taskQueue) => {
      await startInline(taskQueue, id, []);
      const batch = client.batch(id, PROGRAM);
      await expect(batch.result()).rejects.toThrow(BatchInvalidError);
      expect(await batch.progress()).toMatchObject({
        status: 'FAILED',
        error: expect.stringMatching(/^InputRefused: .*has no records/) as string,
      });
    });
  });
});
