import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { indexSource, type IndexSourceInput } from '../../activities/index-source.js';
import type { IndexCursor, IndexPage } from '../../bulk/index-page.js';
import { csvRow } from '../bulk/memory-source.js';
import { HEADER } from '../cli/input-files.js';

let folder: string;
let path: string;
let rejectFile: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-index-'));
  path = join(folder, 'portfolio.csv');
  rejectFile = join(folder, 'rejects', 'job.jsonl');
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

function environmentWith(info: { heartbeatDetails?: IndexPage } = {}): MockActivityEnvironment {
  return new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });
}

function index(changes: Partial<IndexSourceInput> = {}, environment = environmentWith()): Promise<IndexPage> {
  const input = { source: { path }, maxCardsPerBatch: 250, maxBatches: 1_000, rejectFile, ...changes };
  return environment.run(indexSource, input);
}

async function inPages(maxBatches: number): Promise<IndexPage[]> {
  const pages = [await index({ maxBatches })];
  for (let last = pages[0]!; !last.ended; last = pages.at(-1)!)
    pages.push(await index({ maxBatches, from: last.cursor }));
  return pages;
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);

describe('indexing a source', () => {
  it('finds all batches in one page, and writes the rejects where only their owner may read them', async () => {
    const page = await index();
    expect(page).toMatchObject({ records: 4_950, cards: 4_950, rejects: 50, ended: true });
    expect(page.batches).toHaveLength(20);
    const lines = (await readFile(rejectFile, 'utf8')).trimEnd().split('\n');
    expect(lines).toHaveLength(50);
    expect(lines[0]).toBe('{"line":9,"path":"","code":"field_count"}');
    expect((await stat(rejectFile)).mode & 0o777).toBe(0o600);
    expect((await stat(rejectFile)).size).toBe(page.cursor.rejectBytes);
  });

  it('finds the same in pages, one of which may be read twice', async () => {
    const whole = await index();
    const rejects = await readFile(rejectFile);
    const pages = await inPages(3);
    expect(pages).toHaveLength(7);
    expect(pages.flatMap(({ batches }) => batches)).toEqual(whole.batches);
    expect(sum(pages.map((page) => page.rejects))).toBe(50);
    expect(await index({ maxBatches: 3, from: pages[3]!.cursor })).toEqual(pages[4]);
    expect(await readFile(rejectFile)).toEqual(rejects);
  });

  it('begins a job with an empty reject file', async () => {
    await index();
    await writeFile(path, `${HEADER}\n${csvRow('c1', 'k1')}\n`);
    expect(await index()).toMatchObject({ records: 1, rejects: 0 });
    expect(await readFile(rejectFile, 'utf8')).toBe('');
  });

  it('goes on from what the attempt before heartbeated, and not from before that', async () => {
    const whole = await index();
    const heartbeat = (await inPages(5))[0]!;
    const environment = environmentWith({ heartbeatDetails: heartbeat });
    const rest = await index({}, environment);
    expect(rest).toEqual(whole);
    // It counts on from what the heartbeat says: had it read the file anew, this would not show.
    const other = environmentWith({ heartbeatDetails: { ...heartbeat, records: 0 } });
    expect((await index({}, other)).records).toBe(whole.records - heartbeat.records);
  });

  it('goes on from the page before where rejects of the attempt before were lost with its machine', async () => {
    const whole = await index();
    const rejects = await readFile(rejectFile);
    const [first, second] = await inPages(5);
    await truncate(rejectFile, first!.cursor.rejectBytes);
    const heartbeatDetails = { ...second!, records: 0 };
    const page = await index({ from: first!.cursor }, environmentWith({ heartbeatDetails }));
    expect(page.records).toBe(whole.records - first!.records);
    expect(await readFile(rejectFile)).toEqual(rejects);
  });

  it('heartbeats how far it is', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const environment = environmentWith();
    const beats: IndexPage[] = [];
    environment.on('heartbeat', (page: IndexPage) => beats.push(page));
    const indexing = index({}, environment);
    // Each turn of the event loop, as much passes as between two heartbeats.
    for (let ended = false; !ended;) {
      vi.advanceTimersByTime(2_000);
      ended = await Promise.race([
        indexing.then(() => true),
        new Promise<boolean>((go) => setImmediate(go, false)),
      ]);
    }
    const offsets = beats.map(({ cursor }) => cursor.position.offset);
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    expect(new Set(offsets).size).toBeGreaterThan(2);
  });

  it('ends when it is cancelled', async () => {
    const environment = environmentWith();
    const indexing = index({}, environment);
    environment.cancel('CANCELLED');
    await expect(indexing).rejects.toThrow('CANCELLED');
  });
});

describe('indexing fails for good', () => {
  async function failureOf(indexing: Promise<unknown>): Promise<ApplicationFailure> {
    const error: unknown = await indexing.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ApplicationFailure);
    expect(error).toMatchObject({ nonRetryable: true });
    return error as ApplicationFailure;
  }

  it('with SourceChanged where the source is another than that of the page before', async () => {
    const { cursor } = await index({ maxBatches: 2 });
    await writeFile(path, `${HEADER}\n${csvRow('c1', 'k1')}\n`);
    expect((await failureOf(index({ from: cursor }))).type).toBe('SourceChanged');
  });

  it('with SourceUnusable where there is no source, or no header', async () => {
    expect((await failureOf(index({ source: { path: join(folder, 'other.csv') } }))).type).toBe(
      'SourceUnusable',
    );
    await writeFile(path, 'a,b\n');
    expect((await failureOf(index())).type).toBe('SourceUnusable');
  });

  it('with RejectFileIncomplete where the file lacks what earlier pages wrote', async () => {
    const { cursor } = await index({ maxBatches: 10 });
    await rm(rejectFile);
    expect((await failureOf(index({ from: cursor }))).type).toBe('RejectFileIncomplete');
  });

  it('but not where the source is away for a while', async () => {
    const cursor: IndexCursor = (await index({ maxBatches: 2 })).cursor;
    const error: unknown = await index({ source: { url: 'http://127.0.0.1:1/p.csv' }, from: cursor }).catch(
      (reason: unknown) => reason,
    );
    expect(error).not.toBeInstanceOf(ApplicationFailure);
    expect(error).toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  });
});
