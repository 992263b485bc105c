import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { measureThereAndBack, median, medianRatio } from './alternating.js';
import { batchHistory, jobHistories, MAX_CARDS, runBareJob, runJob } from './bulk-job.js';
import { FRUGAL, openBulkSite, type BulkSite } from './bulk-site.js';
import type { DryRun } from './dry-run.js';
import { cpuTimeOf, peakMemory } from './process-usage.js';
import { writePortfolio } from './portfolio-file.js';
import { printFigure, printHeading, printRatio } from './report.js';

const SMALL_CARDS = 10_000;
const DRY_CARDS = 1_000_000;
/** In full, where nothing else is asked for. */
export const LARGE_CARDS = 50_000;
/** Of each turn beside the bare workflows. */
const TURN_CARDS = 25_000;
const ROUNDS = 4;

const POLLS = 2;
const POLL_EVERY_MS = 2_000;
/** Between the first poll and the second, however slow they are. */
const PROCESSING_MS = 3_000;
/** As many batches as the small job has: so both have as many under way. */
const WINDOW = SMALL_CARDS / MAX_CARDS;
const SETTINGS = { window: WINDOW, pollEveryMs: POLL_EVERY_MS };

const MEMORY_BUDGET = { atMost: 1.2 };
const SPEED_BUDGET = { atLeast: 0.85 };
const MIB = 1024 ** 2;
const onProgress = (line: string) => console.error(`  … ${line}`);

/**
 * Whole portfolios: read, split, sealed and validated without Temporal; and in full, through Temporal's dev
 * server, a worker process and the simulator.
 */
export async function benchmarkBulk(largeCards: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'c2p-bench-'));
  try {
    await dryRuns(folder);
    const site = await openBulkSite({ folder, processingMs: PROCESSING_MS, onProgress });
    try {
      await inFull(site, largeCards);
    } finally {
      await site.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function dryRuns(folder: string): Promise<void> {
  const small = await dryRun(folder, SMALL_CARDS);
  const large = await dryRun(folder, DRY_CARDS);
  printHeading(`Dry run of ${written(DRY_CARDS)} cards: read, split, sealed and validated`);
  printFigure('cards', large.cardsPerSecond, 'cards/s');
  printFigure('cards, one core', large.cardsPerCpuSecond, 'cards/s');
  printMemory('in use', [SMALL_CARDS, small.retained], [DRY_CARDS, large.retained]);
  printMemory('resident, the most', [SMALL_CARDS, small.resident], [DRY_CARDS, large.resident]);
}

async function dryRun(folder: string, cards: number): Promise<DryRun> {
  onProgress(`dry run of ${written(cards)} cards …`);
  const path = join(folder, await writePortfolio(folder, cards));
  const script = fileURLToPath(new URL('./dry-run.js', import.meta.url));
  const { stdout } = await execa(process.execPath, [script, path, String(cards)], {
    env: FRUGAL,
  });
  await rm(path);
  return JSON.parse(stdout) as DryRun;
}

async function inFull(site: BulkSite, largeCards: number): Promise<void> {
  const small = await jobOfNewWorker(site, 'small', SMALL_CARDS);
  const large = await jobOfNewWorker(site, 'large', largeCards);
  printHeading(
    `${written(largeCards)} cards in full, ${MAX_CARDS} a batch, ${WINDOW} batches at once, ${POLLS} polls each`,
  );
  printFigure('cards', largeCards / large.seconds, 'cards/s');
  printFigure('batches', largeCards / MAX_CARDS / large.seconds, 'batches/s');
  printFigure('CPU of a batch, worker', large.worker, 'ms');
  printFigure('CPU of a batch, server', large.server, 'ms');
  printMemory('of the worker, the most', [SMALL_CARDS, small.memory], [largeCards, large.memory]);
  printMemory('of its report in CSV', [SMALL_CARDS, small.report], [largeCards, large.report]);
  const runs = await jobHistories(site.temporal, 'large');
  printFigure('runs of the job', runs.length, '');
  printFigure('history of a run, the longest', Math.max(...runs.map(({ events }) => events)), 'events');
  printFigure('history of a run, the largest', Math.max(...runs.map(({ bytes }) => bytes)) / 1_000, 'kB');
  const batch = await batchHistory(site.temporal, 'large');
  printFigure('history of a batch', batch.events, 'events');
  printFigure('history of a batch', batch.bytes / 1_000, 'kB');
  await besideBare(site);
}

interface JobUsage {
  seconds: number;
  /** Of the worker, the most (bytes). */
  memory: number;
  /** Of `c2p bulk report`, the most (bytes). */
  report: number;
  /** CPU time of a batch (ms). */
  worker: number;
  server: number;
}

/** A worker process that does nothing but this job: what it holds is of the job alone. */
async function jobOfNewWorker(site: BulkSite, bulkId: string, cards: number): Promise<JobUsage> {
  onProgress(`${written(cards)} cards in full …`);
  const worker = await site.startWorker();
  const path = await writePortfolio(site.folder, cards);
  const cpuTimes = () => Promise.all([cpuTimeOf(worker.pid), cpuTimeOf(site.serverPid)]);
  const before = await cpuTimes();
  const seconds = await runJob(site.temporal, bulkId, { path, cards }, SETTINGS);
  const taken = (await cpuTimes()).map((time, n) => (time - before[n]!) / (cards / MAX_CARDS));
  const memory = await peakMemory(worker.pid);
  await worker.stop();
  await rm(join(site.folder, path));
  const report = await reportOf(site, bulkId, cards);
  return { seconds, memory, report, worker: taken[0]!, server: taken[1]! };
}

/** Reports on a job as its operator does. @returns the command's peak memory (bytes). */
async function reportOf(site: BulkSite, bulkId: string, cards: number): Promise<number> {
  const output = join(site.folder, 'report.csv');
  const peak = await site.peakOfCommand(['bulk', 'report', bulkId, '--format', 'csv'], output);
  let lines = 0;
  for await (const block of createReadStream(output, 'utf8') as AsyncIterable<string>)
    lines += block.split('\n').length - 1;
  await rm(output);
  if (lines !== cards + 1) throw new Error(`the report of ${cards} cards has ${lines} lines`);
  return peak;
}

/** Jobs beside as many bare workflows: with a window that leaves the machine time to spare, and with the full one. */
async function besideBare(site: BulkSite): Promise<void> {
  const source = { path: await writePortfolio(site.folder, TURN_CARDS), cards: TURN_CARDS };
  await site.startWorker();
  await site.startBareWorker();
  for (const window of [WINDOW / 2, WINDOW]) await inTurns(site, source, window);
  const calls = site.simulator.requests();
  const callsTo = (operation: string) => calls.filter((call) => call.operation === operation).length;
  printFigure(`polls of a batch of c2p (bare: ${POLLS})`, callsTo('status') / callsTo('enroll'), '');
}

async function inTurns(
  site: BulkSite,
  source: { path: string; cards: number },
  window: number,
): Promise<void> {
  const batches = TURN_CARDS / MAX_CARDS;
  const settings = { ...SETTINGS, window };
  const turn = (name: string, run: (id: string) => Promise<number>) => async (round: number) => {
    onProgress(`window ${window}, turn ${round} of ${ROUNDS}: ${name} …`);
    return batches / (await run(`${name}-window-${window}-turn-${round}`));
  };
  const rates = await measureThereAndBack(
    {
      ours: turn('ours', (id) => runJob(site.temporal, id, source, settings)),
      bare: turn('bare', (id) => runBareJob(site.temporal, id, { batches, polls: POLLS }, settings)),
    },
    ROUNDS,
  );
  printHeading(
    `Jobs of ${written(TURN_CARDS)} cards beside as many bare workflows, ${window} batches at once`,
  );
  printFigure('bare', median(rates.bare), 'batches/s');
  printFigure('c2p', median(rates.ours), 'batches/s');
  printRatio('c2p / bare', medianRatio(rates.ours, rates.bare), SPEED_BUDGET);
}

function printMemory(what: string, [few, little]: [number, number], [many, much]: [number, number]): void {
  printFigure(`memory ${what}, ${written(few)} cards`, little / MIB, 'MiB');
  printFigure(`memory ${what}, ${written(many)} cards`, much / MIB, 'MiB');
  printRatio(`memory ${what}, ${written(many)} / ${written(few)} cards`, much / little, MEMORY_BUDGET);
}

function written(cards: number): string {
  return cards.toLocaleString('en-US');
}
