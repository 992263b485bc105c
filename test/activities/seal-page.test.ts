import { mkdtemp, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ApplicationFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ActivityDependencies } from '../../activities/dependencies.js';
import { sealPage, type SealedPage, type SealPageInput } from '../../activities/seal-page.js';
import type { Reject } from '../../bulk/reject.js';
import { Blob, isRejects, type ClosedBatch } from '../../enrollment/blobs.js';
import { bulkAddress, bulkBatchId } from '../../enrollment/bulk.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { KeyRing } from '../../protection/key-ring.js';
import { FilesystemStore } from '../../store/filesystem-store.js';
import { getJson, putJson, type BatchStore } from '../../store/store.js';
import { csvRow } from '../bulk/memory-source.js';
import { HEADER } from '../cli/input-files.js';
import { FakeTemporal } from '../retention/fake-temporal.js';

const BULK = { program: 'demo', bulkId: 'job' };

let folder: string;
let path: string;
let store: BatchStore;
let keyRing: KeyRing;
let temporal: FakeTemporal;
let sourceRules: ActivityDependencies['sourceRules'];
beforeEach(async () => {
  sourceRules = undefined;
  temporal = new FakeTemporal();
  folder = await mkdtemp(join(tmpdir(), 'c2p-seal-'));
  path = join(folder, 'portfolio.csv');
  keyRing = KeyRing.parse(KeyRing.generate(), 'test');
  store = new FilesystemStore({ root: join(folder, 'store'), keyRing });
  // Every hundredth row has a field too many; the file is many blocks long.
  const rows = Array.from(
    { length: 5_000 },
    (_, n) => csvRow(`c${n}`, 'k1') + (n % 100 === 7 ? ',more' : ''),
  );
  await writeFile(path, `${[HEADER, ...rows].join('\n')}\n`);
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

/** As `payload-converter.cjs` reads what the codec refused. */
const REFUSED = { [Symbol.for('c2p refused payload')]: 'clear' };

/** As the mocked activity is named in its heartbeats. */
const THIS_ACTIVITY = '00000000-0000-0000-0000-000000000000/test';

function environmentAfter(progress: SealedPage, of = THIS_ACTIVITY): MockActivityEnvironment {
  return environmentWith({ heartbeatDetails: { of, progress } });
}

function environmentWith(info: { heartbeatDetails?: unknown } = {}): MockActivityEnvironment {
  return new MockActivityEnvironment(info, {
    logger: new DefaultLogger('ERROR'),
    client: temporal.client(),
  });
}

function seal(changes: Partial<SealPageInput> = {}, environment = environmentWith()): Promise<SealedPage> {
  const input: SealPageInput = {
    bulk: BULK,
    source: { path: 'portfolio.csv' },
    maxCardsPerBatch: 250,
    firstBatch: 1,
    maxBatches: 1_000,
    ...changes,
  };
  return environment.run(sealPage({ store, keyRing, sourceFolder: folder, sourceRules }), input);
}

async function inPages(maxBatches: number): Promise<SealedPage[]> {
  const pages = [await seal({ maxBatches })];
  for (let last = pages[0]!; !last.ended; last = pages.at(-1)!) {
    const firstBatch = Math.max(...last.batches.map(({ n }) => n), ...last.taken) + 1;
    pages.push(await seal({ maxBatches, firstBatch, from: last.cursor }));
  }
  return pages;
}

/** The records of a batch, as they are in the store. */
function recordsOf({ n, records }: SealedPage['batches'][number]): Promise<EnrollmentRecord[]> {
  return getJson(store, { program: 'demo', externalBatchId: bulkBatchId('job', n) }, records);
}

async function rejects(): Promise<Reject[]> {
  const address = bulkAddress(BULK);
  const refs = (await store.list(address)).filter(isRejects);
  return (await Promise.all(refs.map((ref) => getJson<Reject[]>(store, address, ref)))).flat();
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);

describe('sealing a source', () => {
  it('puts every record into the store, batch by batch, and every reject', async () => {
    const page = await seal();
    expect(page).toMatchObject({ rejects: 50, ended: true });
    expect(page.batches.map(({ n }) => n)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(page.batches[1]).toMatchObject({ consumers: 250, cards: 250, line: 255 });
    const records = (await Promise.all(page.batches.map(recordsOf))).flat();
    expect(records).toHaveLength(4_950);
    expect(records[249]?.externalConsumerId).toBe('c252');
    expect(await rejects()).toHaveLength(50);
    expect((await rejects())[0]).toEqual({ line: 9, path: '', code: 'field_count' });
  });

  it('gives the same in pages, one of which may be read twice', async () => {
    const whole = await seal();
    const found = await rejects();
    const pages = await inPages(3);
    expect(pages).toHaveLength(7);
    expect(pages.flatMap(({ batches }) => batches)).toEqual(whole.batches);
    expect(sum(pages.map((page) => page.rejects))).toBe(50);
    const again = await seal({ maxBatches: 3, firstBatch: 13, from: pages[3]!.cursor });
    expect(again).toEqual(pages[4]);
    expect(new Set((await rejects()).map(({ line }) => line))).toEqual(
      new Set(found.map(({ line }) => line)),
    );
  });

  it('goes on from what the attempt before heartbeated, and not from before that', async () => {
    const whole = await seal();
    const [heartbeat] = await inPages(5);
    expect(await seal({}, environmentAfter(heartbeat!))).toEqual(whole);
    // It counts on from what the heartbeat says: had it read the file anew, this would not show.
    const other = environmentAfter({ ...heartbeat!, rejects: 0 });
    expect((await seal({}, other)).rejects).toBe(whole.rejects - heartbeat!.rejects);
  });

  it.each<[string, (page: SealedPage) => MockActivityEnvironment]>([
    ['somebody without the key ring', () => environmentWith({ heartbeatDetails: REFUSED })],
    ['another activity of the workflow', (page) => environmentAfter(page, 'another-run/test')],
  ])('does not go on from what %s heartbeated', async (_, environment) => {
    const whole = await seal();
    const [page] = await inPages(5);
    expect((await seal({}, environment({ ...page!, rejects: 1_000 }))).rejects).toBe(whole.rejects);
  });

  it('heartbeats how far it is', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const environment = environmentWith();
    const beats: SealedPage[] = [];
    environment.on('heartbeat', ({ progress }: { progress: SealedPage }) => beats.push(progress));
    const sealing = seal({ maxCardsPerBatch: 25 }, environment);
    // Each turn of the event loop, as much passes as between two heartbeats.
    for (let ended = false; !ended;) {
      vi.advanceTimersByTime(2_000);
      ended = await Promise.race([
        sealing.then(() => true),
        new Promise<boolean>((go) => setImmediate(go, false)),
      ]);
    }
    const offsets = beats.map(({ cursor }) => cursor.position.offset);
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    expect(new Set(offsets).size).toBeGreaterThan(2);
  });

  it('fails, to be tried again, where the store fails at several batches at once', async () => {
    let failing = 0;
    const put: BatchStore['put'] = async () => {
      failing += 1;
      // The later it was begun, the sooner it fails.
      await new Promise((resolve) => setTimeout(resolve, 50 - 10 * failing));
      throw new Error('the store is away');
    };
    const away = new Proxy(store, {
      get: (of, name: keyof BatchStore) => (name === 'put' ? put : of[name].bind(of)),
    });
    const sealing = environmentWith().run(sealPage({ store: away, keyRing, sourceFolder: folder }), {
      bulk: BULK,
      source: { path: 'portfolio.csv' },
      maxCardsPerBatch: 250,
      firstBatch: 1,
      maxBatches: 10,
    });
    await expect(sealing).rejects.toThrow('the store is away');
    expect(failing).toBeGreaterThan(1);
  });

  it('ends when it is cancelled', async () => {
    const environment = environmentWith();
    const sealing = seal({}, environment);
    environment.cancel('CANCELLED');
    await expect(sealing).rejects.toThrow('CANCELLED');
  });
});

describe('a batch that has the id of one of the job', () => {
  const third = { program: 'demo', externalBatchId: bulkBatchId('job', 3) };
  const closedWith = (records: string) => ({ records }) as Partial<ClosedBatch>;

  it.each<[string, Record<string, unknown>]>([
    ['is open', { [Blob.records('an-attempt')]: [], [Blob.validated(1)]: [] }],
    ['is closed', { [Blob.outcomes]: [], [Blob.closed]: closedWith(Blob.records('an-attempt')) }],
    ['is closed, and nobody knows what it was', { [Blob.outcomes]: [] }],
  ])(
    'and %s, and not of the job, is left out and not touched; the job goes on behind it',
    async (_, blobs) => {
      for (const [ref, value] of Object.entries(blobs)) await putJson(store, third, ref, value);
      const page = await seal({ maxBatches: 5 });
      expect(page.taken).toEqual([3]);
      expect(page.batches.map(({ n }) => n)).toEqual([1, 2, 4, 5]);
      expect(await store.list(third)).toEqual(Object.keys(blobs).sort());
      for (const [ref, value] of Object.entries(blobs))
        expect(await getJson(store, third, ref)).toEqual(value);
    },
  );

  it('counts for the numbers of the pages behind it, and where an attempt goes on', async () => {
    await putJson(store, third, Blob.records('an-attempt'), []);
    const pages = await inPages(3);
    const whole = await seal();
    expect(pages.flatMap(({ batches }) => batches)).toEqual(whole.batches);
    expect(pages.flatMap(({ taken }) => taken)).toEqual([3]);
    expect(await seal({}, environmentAfter(pages[0]!))).toEqual(whole);
  });

  it('and not of the job is left out also where the job had sealed that one before the other came', async () => {
    const [, , sealed] = (await seal({ maxBatches: 5 })).batches;
    temporal.has(third, { status: 'RUNNING' });
    expect((await seal({ maxBatches: 5 })).taken).toEqual([3]);
    expect(await store.list(third)).toEqual([sealed!.records]);
  });

  describe('and is the job’s own, as one that was reset finds it,', () => {
    const searchAttributes = { C2pBulkId: 'job' };

    it.each<[string, () => Promise<void>]>([
      ['Temporal says', () => Promise.resolve(temporal.has(third, { status: 'RUNNING', searchAttributes }))],
      ['its records say', () => putJson(store, third, Blob.validated(1), [])],
    ])('is begun: it is not sealed again, as %s', async (_, begin) => {
      const first = await seal({ maxBatches: 5 });
      await begin();
      const { records } = first.batches[2]!;
      await putJson(store, third, records, 'as it was');
      const again = await seal({ maxBatches: 5 });
      expect(again.taken).toEqual([]);
      expect(again.batches.map(({ begun }) => begun)).toEqual([false, false, true, false, false]);
      expect({ ...again.batches[2], begun: false }).toEqual(first.batches[2]);
      expect(await getJson(store, third, records)).toBe('as it was');
    });

    it('is begun also when it is closed and Temporal has forgotten it: its records do not come back', async () => {
      const { records } = (await seal({ maxBatches: 5 })).batches[2]!;
      await store.delete(third, records);
      await putJson(store, third, Blob.outcomes, []);
      await putJson(store, third, Blob.closed, closedWith(records));
      expect((await seal({ maxBatches: 5 })).batches[2]).toMatchObject({ n: 3, begun: true });
      expect(await store.list(third)).toEqual([Blob.closed, Blob.outcomes]);
    });
  });
});

describe('sealing fails for good', () => {
  async function failureOf(sealing: Promise<unknown>): Promise<ApplicationFailure> {
    const error: unknown = await sealing.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ApplicationFailure);
    expect(error).toMatchObject({ nonRetryable: true });
    return error as ApplicationFailure;
  }

  it('with SourceChanged where the source is another than that of the page before', async () => {
    const { cursor } = await seal({ maxBatches: 2 });
    await writeFile(path, `${HEADER}\n${csvRow('c1', 'k1')}\n`);
    expect((await failureOf(seal({ from: cursor }))).type).toBe('SourceChanged');
  });

  it('with SourceChanged where it was exchanged for one of the same size and time', async () => {
    const time = new Date('2026-11-24T12:00:00Z');
    await utimes(path, time, time);
    const { cursor } = await seal({ maxBatches: 2 });
    const { size } = await stat(path);
    await writeFile(path, 'x'.repeat(size));
    await utimes(path, time, time);
    expect(await failureOf(seal({ from: cursor }))).toMatchObject({
      type: 'SourceChanged',
      message: expect.stringContaining('first or last bytes') as string,
    });
  });

  it('with SourceUnusable where there is no source, or no header', async () => {
    expect((await failureOf(seal({ source: { path: 'other.csv' } }))).type).toBe('SourceUnusable');
    await writeFile(path, 'a,b\n');
    expect((await failureOf(seal())).type).toBe('SourceUnusable');
  });

  it.each(['../portfolio.csv', '/etc/passwd', '.', 'inner/../../portfolio.csv', 'link.csv'])(
    'with SourceUnusable for a path that leads out of the folder: %s',
    async (written) => {
      await rename(path, join(tmpdir(), 'portfolio-outside.csv'));
      await symlink(join(tmpdir(), 'portfolio-outside.csv'), join(folder, 'link.csv'));
      const failure = await failureOf(seal({ source: { path: written } }));
      await rm(join(tmpdir(), 'portfolio-outside.csv'));
      expect(failure.type).toBe('SourceUnusable');
      expect(failure.message).toContain('bulk.folder');
    },
  );

  it('with SourceUnusable for an address of this machine, and gzip that grows beyond the limits of the configuration', async () => {
    const local = await failureOf(seal({ source: { url: 'http://127.0.0.1:1/p.csv' } }));
    expect(local.type).toBe('SourceUnusable');
    sourceRules = { gzip: { maxRatio: 100, maxBytes: 1_000 } };
    await writeFile(path, gzipSync(await readFile(path)));
    const large = await failureOf(seal());
    expect(large.type).toBe('SourceUnusable');
    expect(large.message).toContain('bulk.gzip.maxBytes');
  });

  it('but not where the source is away for a while', async () => {
    sourceRules = { allowPrivateAddresses: true };
    const error: unknown = await seal({ source: { url: 'http://127.0.0.1:1/p.csv' } }).catch(
      (reason: unknown) => reason,
    );
    expect(error).not.toBeInstanceOf(ApplicationFailure);
    expect(error).toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  });
});
