import { mkdtemp, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sealPage, type SealedPage, type SealPageInput } from '../../activities/seal-page.js';
import type { Reject } from '../../bulk/reject.js';
import { Blob, isRejects } from '../../enrollment/blobs.js';
import { bulkAddress, bulkBatchId } from '../../enrollment/bulk.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { KeyRing } from '../../protection/key-ring.js';
import { FilesystemStore } from '../../store/filesystem-store.js';
import { getJson, type BatchStore } from '../../store/store.js';
import { csvRow } from '../bulk/memory-source.js';
import { HEADER } from '../cli/input-files.js';
import { FakeTemporal } from '../retention/fake-temporal.js';

const BULK = { program: 'demo', bulkId: 'job' };

let folder: string;
let path: string;
let store: BatchStore;
let keyRing: KeyRing;
beforeEach(async () => {
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

function environmentWith(info: { heartbeatDetails?: SealedPage } = {}): MockActivityEnvironment {
  return new MockActivityEnvironment(info, {
    logger: new DefaultLogger('ERROR'),
    client: new FakeTemporal().client(),
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
  return environment.run(sealPage({ store, keyRing, sourceFolder: folder }), input);
}

async function inPages(maxBatches: number): Promise<SealedPage[]> {
  const pages = [await seal({ maxBatches })];
  for (let last = pages[0]!; !last.ended; last = pages.at(-1)!) {
    const firstBatch = last.batches.at(-1)!.n + 1;
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
    expect(await seal({}, environmentWith({ heartbeatDetails: heartbeat! }))).toEqual(whole);
    // It counts on from what the heartbeat says: had it read the file anew, this would not show.
    const other = environmentWith({ heartbeatDetails: { ...heartbeat!, rejects: 0 } });
    expect((await seal({}, other)).rejects).toBe(whole.rejects - heartbeat!.rejects);
  });

  it('heartbeats how far it is', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const environment = environmentWith();
    const beats: SealedPage[] = [];
    environment.on('heartbeat', (page: SealedPage) => beats.push(page));
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

  it('with BatchIdTaken where a batch of that id is not of the job', async () => {
    const taken = { program: 'demo', externalBatchId: bulkBatchId('job', 3) };
    await store.put(taken, Blob.records('an-attempt'), Buffer.from('[]'));
    const { type, message } = await failureOf(seal({ maxBatches: 5 }));
    expect(type).toBe('BatchIdTaken');
    expect(message).toContain("'job-000003'");
    expect(await store.list(taken)).toEqual([Blob.records('an-attempt')]);
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

  it('but not where the source is away for a while', async () => {
    const error: unknown = await seal({ source: { url: 'http://127.0.0.1:1/p.csv' } }).catch(
      (reason: unknown) => reason,
    );
    expect(error).not.toBeInstanceOf(ApplicationFailure);
    expect(error).toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  });
});
