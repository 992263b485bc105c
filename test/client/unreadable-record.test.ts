import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BulkEnrollment } from '../../client/bulk-enrollment.js';
import { EnrollmentBatch } from '../../client/enrollment-batch.js';
import { BatchConflictError, RecordUnreadableError } from '../../client/errors.js';
import { startBatch, type Starter } from '../../client/start-batch.js';
import { Blob } from '../../enrollment/blobs.js';
import { bulkAddress, NO_CARDS } from '../../enrollment/bulk.js';
import { putJson } from '../../store/store.js';
import { DamagedStore } from '../support/damaged-store.js';
import { testRecords } from '../support/records.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const BATCH = { program: 'demo', externalBatchId: 'batch-1' };
const BULK = { program: 'demo', bulkId: 'job' };

let store: DamagedStore;
beforeEach(async () => {
  store = await DamagedStore.create();
  for (const address of [BATCH, bulkAddress(BULK)])
    await putJson(store, address, Blob.closed, { recordsDigest: 'k1:00', result: { status: 'COMPLETED' } });
});
afterEach(() => store.erase());

/** A Temporal that knows a closed workflow, whose worker answers, or not; or that has forgotten it. */
function temporal(knows: 'all' | 'attributes' | 'nothing'): Client {
  const forgotten = () => Promise.reject(new WorkflowNotFoundError('not found', 'id', undefined));
  const execution = {
    status: { name: 'COMPLETED' },
    taskQueue: 'c2p',
    typedSearchAttributes: {
      get: ({ name }: { name: string }) => ({ C2pStatus: 'COMPLETED', C2pRecords: 3 })[name],
    },
    startTime: new Date(),
    raw: {},
  };
  const answer = { ...BATCH, status: 'COMPLETED', batchIds: ['mc-1'], counts: NO_CARDS, reasons: [] };
  const handle = (workflowId: string) => ({
    workflowId,
    query: () =>
      knows === 'nothing'
        ? forgotten()
        : knows === 'all'
          ? Promise.resolve(answer)
          : Promise.reject(new Error()),
    describe: () => (knows === 'nothing' ? forgotten() : Promise.resolve(execution)),
    cancel: () => Promise.reject(new Error('was asked to cancel a closed workflow')),
    result: () => (knows === 'nothing' ? forgotten() : Promise.resolve()),
    start: () => Promise.reject(new Error('was asked to start')),
  });
  return {
    withDeadline: (_: number, ask: () => unknown) => ask(),
    workflow: { getHandle: handle, start: () => Promise.reject(new Error('was asked to start')) },
  } as unknown as Client;
}

function connections(knows: 'all' | 'attributes' | 'nothing') {
  return { temporal: temporal(knows), looking: temporal(knows), store };
}

describe.each([
  ['altered', 'alter', /was altered/],
  ['truncated', 'truncate', /it ends too early/],
  ['sealed under a key that is not there', 'sealUnderMissingKey', /key 'k2-/],
] as const)('of a batch whose closed record is %s', (_, damage, why) => {
  beforeEach(() => store[damage](BATCH, Blob.closed));
  const batch = (knows: 'all' | 'attributes' | 'nothing') => new EnrollmentBatch(BATCH, connections(knows));
  const told = /^batch 'batch-1' of program 'demo' is closed, but how cannot be read: cannot open/;

  test('the progress is what its workflow says, and the error says what cannot be read and what to do', async () => {
    const progress = await batch('all').progress();
    expect(progress).toMatchObject({ status: 'COMPLETED', batchIds: ['mc-1'] });
    expect(progress.error).toMatch(told);
    expect(progress.error).toMatch(why);
  });

  test('the progress is what Temporal says where no worker answers', async () => {
    const { status, counts, error } = await batch('attributes').progress();
    expect({ status, cards: counts.cards }).toEqual({ status: 'COMPLETED', cards: 3 });
    expect(error).toMatch(told);
  });

  test('the progress is an error that says so where Temporal has forgotten it', async () => {
    await expect(batch('nothing').progress()).rejects.toThrow(RecordUnreadableError);
  });

  test('it exists, is not taken for a terminated one, and is not cancelled', async () => {
    expect(await batch('nothing').exists()).toBe(true);
    expect(await batch('all').terminatedInTemporal()).toBeUndefined();
    await batch('all').cancel();
  });

  test('the result is an error that says so, and no other', async () => {
    for (const knows of ['all', 'nothing'] as const) {
      const error: unknown = await batch(knows)
        .result()
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(RecordUnreadableError);
      expect(error).toMatchObject({
        code: 'RECORD_UNREADABLE',
        message: expect.stringMatching(why) as string,
      });
    }
  });

  test('no other batch is started in its place', async () => {
    const starter = {
      connections: connections('nothing'),
      program: { api: batchEnroll, maxCardsPerBatch: 250, policy: {} },
    };
    const records = testRecords(1);
    const starting = startBatch(starter as unknown as Starter, batch('nothing'), { ...BATCH, records });
    await expect(starting).rejects.toThrow(RecordUnreadableError);
    expect(await store.list(BATCH)).toEqual([Blob.closed]);
  });
});

describe('of a bulk job whose closed record cannot be read', () => {
  beforeEach(() => store.sealUnderMissingKey(bulkAddress(BULK), Blob.closed));

  test('the progress is what Temporal says, and the error what cannot be read', async () => {
    const progress = await new BulkEnrollment(BULK, connections('attributes')).progress();
    expect(progress).toMatchObject({ status: 'COMPLETED' });
    expect(progress.error).toMatch(/^bulk job 'job' of program 'demo' is closed, but how cannot be read/);
  });

  test('the result is an error that says so', async () => {
    await expect(new BulkEnrollment(BULK, connections('all')).result()).rejects.toThrow(
      RecordUnreadableError,
    );
  });
});

test('records are in conflict with a closed batch of which nobody knows any more what its records were', async () => {
  await putJson(store, BATCH, Blob.closed, { recordsDigest: '', result: { status: 'FAILED' } });
  const starter = {
    connections: connections('nothing'),
    program: { api: batchEnroll, maxCardsPerBatch: 250, policy: {} },
  };
  const batch = new EnrollmentBatch(BATCH, connections('nothing'));
  const starting = startBatch(starter as unknown as Starter, batch, { ...BATCH, records: testRecords(1) });
  await expect(starting).rejects.toThrow(BatchConflictError);
});
