import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BulkConflictError,
  BulkInvalidError,
  BulkNotFoundError,
  type BulkOutcome,
} from '../../client/index.js';
import type { BulkRequest } from '../../client/start-bulk.js';
import { Blob } from '../../enrollment/blobs.js';
import { bulkAddress } from '../../enrollment/bulk.js';
import { enrollingEverything, startBulk, writePortfolio } from '../support/bulk-rig.js';
import { testCard, testRecord, testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { until } from '../support/until.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

/** What starts a job of what is written under a name, three cards a batch. */
async function requestOf(
  bulkId: string,
  records: Parameters<typeof writePortfolio>[2],
): Promise<BulkRequest> {
  const path = join(rig.sourceFolder, await writePortfolio(rig, bulkId, records));
  return { bulkId, program: PROGRAM, source: { path } };
}

function running<T>(work: (client: ReturnType<Rig['client']>, taskQueue: string) => Promise<T>): Promise<T> {
  return rig.running(enrollingEverything(rig), (_, taskQueue) =>
    work(rig.client({ taskQueue, maxCardsPerBatch: 3 }), taskQueue),
  );
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) taken.push(item);
  return taken;
}

const blobsOf = (bulkId: string) => rig.store.list(bulkAddress({ program: PROGRAM, bulkId }));

describe('a bulk job', () => {
  test('tells every card in the order of the source, and every row that came into no batch', async () => {
    const request = await requestOf('in-order', [...testRecords(4), '{', testRecord(5, 2), testRecord(6)]);
    const job = await running(async (client) => {
      const started = await client.startBulk(request);
      await started.result();
      return started;
    });

    const cards = (await all<BulkOutcome>(job.outcomes())).map(
      ({ externalBatchId, externalCardId, status }) => [externalBatchId, externalCardId, status],
    );
    expect(cards).toEqual([
      ['in-order-000001', 'card-100', 'ENROLLED'],
      ['in-order-000001', 'card-200', 'ENROLLED'],
      ['in-order-000001', 'card-300', 'ENROLLED'],
      ['in-order-000002', 'card-400', 'ENROLLED'],
      ['in-order-000002', 'card-500', 'ENROLLED'],
      ['in-order-000002', 'card-501', 'ENROLLED'],
      ['in-order-000003', 'card-600', 'ENROLLED'],
    ]);
    expect(await all(job.rejects())).toEqual([{ line: 5, path: '', code: 'json_malformed' }]);
    expect(await job.progress()).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      counts: { cards: 7, enrolled: 7 },
      rejects: 1,
      batches: { started: 3, byStatus: { COMPLETED: 3 } },
      source: { name: 'in-order.jsonl', isReadToEnd: true },
    });
  });

  test('is the same when it is started again, while it runs and after, whatever its limits', async () => {
    const request = await requestOf('again', testRecords(2));
    const results = await running(async (client) => {
      const [first, second] = await Promise.all([
        client.startBulk(request),
        client.startBulk({ ...request, limits: { maxBatchesInFlight: 1 } }),
      ]);
      const results = [await first.result(), await second.result()];
      return [...results, await (await client.startBulk(request)).result()];
    });

    expect(results[0]).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 2 } });
    expect(results).toEqual([results[0], results[0], results[0]]);
  });

  test('of another source, policy or onCancel under its id is a conflict, while it runs and after', async () => {
    const request = await requestOf('taken', testRecords(1));
    const other = { ...(await requestOf('taken-by', testRecords(1))), bulkId: 'taken' };
    const others: BulkRequest[] = [
      other,
      { ...request, onCancel: 'rollback' },
      { ...request, policy: { onPartialFailure: 'rollback' } },
    ];
    await running(async (client) => {
      const job = await client.startBulk(request);
      for (const one of others) await expect(client.startBulk(one)).rejects.toThrow(BulkConflictError);
      await job.result();
      for (const one of others) await expect(client.startBulk(one)).rejects.toThrow(BulkConflictError);
    });
  });

  test('that was not started by a client is a conflict, and what the client kept goes', async () => {
    const request = await requestOf('foreign', testRecords(1));
    await running(async (client, taskQueue) => {
      const foreign = await startBulk(rig, taskQueue, 'foreign');
      await expect(client.startBulk(request)).rejects.toThrow(BulkConflictError);
      expect(await blobsOf('foreign')).not.toContain(Blob.bulk);
      await foreign.result();
    });
  });

  test('is found in the program that has it, and one that nobody started is not', async () => {
    const request = await requestOf('found', testRecords(1));
    await running(async (client) => {
      await (await client.startBulk(request)).result();
      expect((await client.findBulk('found')).key).toEqual({ program: PROGRAM, bulkId: 'found' });
      await expect(client.findBulk('never')).rejects.toThrow(BulkNotFoundError);
      const never = client.bulk('never');
      const asked = [
        () => never.progress(),
        () => all(never.outcomes()),
        () => all(never.rejects()),
        () => never.result(),
      ];
      for (const ask of asked) await expect(ask()).rejects.toThrow(BulkNotFoundError);
    });
  });

  test('is paused, changed, resumed, and cancelled so that what is enrolled stays', async () => {
    const request = await requestOf('steered', testRecords(30));
    const seen = await running(async (client) => {
      const limits = { maxBatchesInFlight: 1 };
      const job = await client.startBulk({ ...request, limits, onCancel: 'rollback' });
      await job.pause();
      const paused = await job.progress();
      await job.change({ maxBatchesInFlight: 2, batchesPerMinute: 1 });
      const changed = await job.progress();
      await expect(job.change({ maxBatchesInFlight: 0 })).rejects.toThrow(/whole number from 1 to 1000/);
      await job.resume();
      await expect(job.resume()).rejects.toThrow(
        "bulk job 'steered' of program 'demo' was not changed: the job is not paused",
      );
      // Until nothing is being read: the time-skipping server may lose what is cancelled as it completes.
      let started = 0;
      await until(async () => {
        const { batches } = await job.progress();
        started = batches!.started;
        return batches!.found - started >= 2;
      });
      await job.cancel({ rollback: false });
      return { paused, changed, started, result: await job.result(), closed: await job.progress() };
    });

    expect(seen.paused).toMatchObject({ status: 'PAUSED', onCancel: 'rollback' });
    expect(seen.changed).toMatchObject({ limits: { maxBatchesInFlight: 2, batchesPerMinute: 1 } });
    expect(seen.result).toMatchObject({ status: 'CANCELLED', counts: { rolledBack: 0 } });
    expect(seen.result.batches).toBe(seen.started);
    expect(seen.closed).toMatchObject({ status: 'CANCELLED', source: { isReadToEnd: false } });
  });
});

describe('a bulk job is not started', () => {
  let outside: string;
  beforeAll(async () => {
    outside = join(rig.folder, 'outside.jsonl');
    await writeFile(outside, `${JSON.stringify(testRecord(1))}\n`);
    await symlink(outside, join(rig.sourceFolder, 'link.jsonl'));
    await writeFile(join(rig.sourceFolder, 'empty.csv'), 'no,header\n');
    await writeFile(join(rig.sourceFolder, 'cards.txt'), '');
    await mkdir(join(rig.sourceFolder, 'folder.jsonl'));
  });
  afterAll(() => rm(outside));

  const within = (name: string) => () => ({ path: join(rig.sourceFolder, name) });
  test.each([
    { of: 'a file outside bulk.folder', source: () => ({ path: outside }), says: /put the file there/ },
    { of: 'a link that leads out of it', source: within('link.jsonl'), says: /put the file there/ },
    { of: 'the folder itself', source: within(''), says: /put the file there/ },
    {
      of: 'a file that is not there',
      source: within('nothing.jsonl'),
      says: /\(ENOENT\).*as workers see it/,
    },
    { of: 'a folder', source: within('folder.jsonl'), says: /is not a file/ },
    { of: 'CSV without a header', source: within('empty.csv'), says: /header/ },
    { of: 'a format that is not known', source: within('cards.txt'), says: /\.jsonl or \.ndjson/ },
    { of: 'http:', source: () => ({ url: 'http://files.example/cards.csv' }), says: /not an https: URL/ },
    {
      of: 'a URL with a password',
      source: () => ({ url: 'https://user:secret@files.example/cards.csv' }),
      says: /user name or password/,
    },
  ])('of $of', async ({ source, says }) => {
    const attempt = rig.client().startBulk({ bulkId: 'refused', program: PROGRAM, source: source() });
    await expect(attempt).rejects.toThrow(says);
    await expect(attempt).rejects.not.toThrow(/secret/);
    expect(await blobsOf('refused')).toEqual([]);
  });

  test('of a file where no bulk.folder is configured', async () => {
    const client = rig.client({ sourceFolder: null });
    const attempt = client.startBulk({ bulkId: 'refused', program: PROGRAM, source: { path: outside } });
    await expect(attempt).rejects.toThrow(/the configuration has no bulk\.folder/);
  });

  test.each<[string, Partial<BulkRequest>, RegExp]>([
    ['no batch in flight', { limits: { maxBatchesInFlight: 0 } }, /from 1 to 1000/],
    ['a rate below 0', { limits: { batchesPerMinute: -1 } }, /above 0/],
    [
      'onCancel that its batches cannot do',
      { onCancel: 'rollback', policy: { onCancel: 'leave' } },
      /cannot be rollback/,
    ],
    ['an id that ends in many digits', { bulkId: 'debit-20261124' }, /must not end in seven digits/],
  ])('with %s', async (_, changes, says) => {
    const request = { ...(await requestOf('refused', testRecords(1))), ...changes };
    const attempt = rig.client().startBulk(request);
    await expect(attempt).rejects.toThrow(BulkInvalidError);
    await expect(attempt).rejects.toThrow(says);
    expect(await blobsOf('refused')).toEqual([]);
  });

  test('under a card number, which is not repeated and not asked for', async () => {
    const { primaryAccountNumber: bulkId } = testCard(1);
    const error = await rig
      .client()
      .findBulk(bulkId)
      .catch((reason: unknown) => reason as Error);
    expect(error).toBeInstanceOf(BulkInvalidError);
    expect((error as Error).message).not.toContain(bulkId);
  });
});
