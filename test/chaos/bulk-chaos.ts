import fc from 'fast-check';
import type { Reject } from '../../bulk/reject.js';
import { isRejects } from '../../enrollment/blobs.js';
import { addCounts, bulkAddress, NO_CARDS, type BulkResult } from '../../enrollment/bulk.js';
import { countOutcomes, type Outcome } from '../../enrollment/outcomes.js';
import { resolvePolicy } from '../../enrollment/policy.js';
import type { FaultRequest } from '../../simulator/index.js';
import { getJson } from '../../store/store.js';
import { startBulkAt, writePortfolio, type BulkHandle } from '../support/bulk-rig.js';
import { PostgresServer } from '../support/postgres.js';
import { RealEnvironment, type RealSite } from '../support/real-environment.js';
import { historiesOf } from '../support/replay.js';
import { Breaking, insisting, unlessOver, type Breakable } from './breaking.js';
import { Events, type Happening } from './events.js';
import { faultFigures, offersRepeated, sealedDataLeft, type FaultFigures } from './figures.js';
import { operate, unlessRefused } from './operator.js';
import { MOST_CALLS, planFaults, planPortfolio, type PlannedPortfolio } from './scenario.js';
import { judge, type Verdict } from './verdict.js';

export interface BulkChaosSettings {
  cards: number;
  maxCardsPerBatch: number;
  maxBatchesInFlight: number;
  workers: number;
  /** How many events a run of the job has, about; a real server suggests to hand over after 4,096. */
  eventsARun: number;
  /** The longest time that everything is left in peace (ms); how long, and what is broken then, is drawn. */
  longestPauseMs: number;
  /** The share of calls that meet a fault, in steps of 0.01. */
  faultRate: number;
  /** Of portfolio, faults and breakage; when what is killed meets them is up to the machine. */
  seed: number;
  /** After that, the job counts as lost. */
  giveUpAfterMs: number;
}

export interface BulkChaosFigures extends Verdict, FaultFigures {
  /** What the job came to, or why that is not known. */
  status: string;
  badLines: number;
  /** Lines that are not told of once, or told of and not bad. */
  rejectsWrong: number;
  /** Whether the job's own counts are those of its outcomes and rejects. */
  countsRight: boolean;
  /** How many runs the job had: each took over from the one before. */
  runs: number;
  /** Blobs with cardholder data that outlived their batch. */
  sealedDataLeft: number;
  kills: Record<Breakable, number>;
  /** What people did to the job and its batches, and how often. */
  events: Events['counts'];
  /** How workers ended that nobody killed. */
  ownDeaths: string[];
  /** Offers of a batch that Mastercard had accepted before, or that a fault kept from it. */
  offersRepeated: number;
  seconds: number;
}

const PROCESSING_MS = 1_000;
const LOOKS_EVERY_MS = 200;
const QUICK = resolvePolicy({
  polling: { initial: 1_000, maximum: 5_000 },
  submission: { initial: 500, maximum: 5_000 },
  uncertainSubmission: 'askOperator',
});
/** Enrolls a portfolio while everything around it breaks, and tells what became of it. */
export async function runBulkChaos(settings: BulkChaosSettings): Promise<BulkChaosFigures> {
  const begun = Date.now();
  const bulkId = `chaos-${settings.seed}-cards`;
  const portfolio = planPortfolio(bulkId, settings);
  const [environment, database] = await Promise.all([
    RealEnvironment.start({ 'limit.historyCount.suggestContinueAsNew': String(settings.eventsARun) }),
    PostgresServer.start(),
  ]);
  try {
    const site = await environment.site('chaos', {
      processingMs: PROCESSING_MS,
      requestsPerSecond: 1_000,
      storeUrl: await database.storeDatabase(),
      bulk: true,
    });
    const faults = planFaults(MOST_CALLS, settings.faultRate, settings.seed);
    [LOST_ANSWER, ...faults].forEach((fault) => site.simulator.fault(fault));
    await writePortfolio(site, bulkId, portfolio.rows);
    const { maxCardsPerBatch, maxBatchesInFlight } = settings;
    const limits = { maxBatchesInFlight, batchesPerMinute: null };
    const job = await startBulkAt(site.temporal, site.taskQueue, bulkId, {
      maxCardsPerBatch,
      limits,
      policy: QUICK,
    });
    const breaking = new Breaking(site, { ...plannedBreaking(settings), database });
    const events = new Events();
    const ended = await seeThrough({ site, job, breaking, events, portfolio, settings }, begun);

    const accepted = site.simulator.accepted();
    const enrolled = site.simulator.enrolledCards();
    const closed = await reportOf(site, job);
    return {
      status: typeof ended === 'string' ? ended : ended.status,
      ...judge({ planned: portfolio.batches, closed, accepted, enrolled }),
      ...(await rejectFigures(site, job, portfolio)),
      countsRight: typeof ended !== 'string' && isCountedRight(ended, closed, portfolio),
      runs: (await historiesOf(site.temporal, job.workflowId)).length,
      sealedDataLeft: await sealedDataLeft(site),
      kills: breaking.kills,
      events: events.counts,
      ownDeaths: [...breaking.ownDeaths],
      ...faultFigures(site.simulator.requests()),
      offersRepeated: offersRepeated(accepted),
      seconds: Math.round((Date.now() - begun) / 1_000),
    };
  } finally {
    await environment.close();
    await database.close();
  }
}

/** So that an operator has something to answer, however few batches there are. */
const LOST_ANSWER: FaultRequest = { operation: 'enroll', fault: { kind: 'dropAfter' } };

interface Running {
  site: RealSite;
  job: BulkHandle;
  breaking: Breaking;
  events: Events;
  portfolio: PlannedPortfolio;
  settings: BulkChaosSettings;
}

/** @returns what the job came to, or why that is not known. */
async function seeThrough(running: Running, begun: number): Promise<BulkResult | string> {
  const { site, job, breaking, events, settings } = running;
  const over = new AbortController();
  const { signal } = over;
  const others = Promise.all([
    breaking.until(signal),
    operate(site, events, signal),
    adjust(running, signal),
    holdHalfway(running, signal),
  ]);
  const result = insisting(signal, () => job.result()).catch(String);
  const timeUp = unlessOver(begun + settings.giveUpAfterMs - Date.now(), signal).then(
    () => 'did not end in time',
  );
  try {
    return await Promise.race([result, others.then(() => result), timeUp]);
  } finally {
    over.abort();
    await others;
  }
}

/** What has to have happened before Mastercard goes on. */
export const NEEDED: readonly Happening[] = [
  'paused a job',
  'changed the limits of a job',
  'named a batchId',
];

/** When half of the batches are at Mastercard, it processes nothing more until enough has happened. */
async function holdHalfway({ site, breaking, events, portfolio }: Running, over: AbortSignal): Promise<void> {
  const half = portfolio.batches.length / 2;
  while (site.simulator.accepted().length < half && !over.aborted) await unlessOver(LOOKS_EVERY_MS, over);
  const hasHappened = () => NEEDED.every((what) => events.counts[what] !== undefined);
  await breaking.holdProcessing({ worker: 1, server: 1, database: 1 }, over, hasHappened);
}

const adjustments = fc.record({
  pause: fc.integer({ min: 1_000, max: 8_000 }),
  paused: fc.integer({ min: 0, max: 3_000 }),
  maxBatchesInFlight: fc.integer({ min: 5, max: 40 }),
  batchesPerMinute: fc.constantFrom(null, 600),
});

/** Pauses the job, has it go on, and changes its limits, again and again. */
async function adjust({ site, job, events, settings }: Running, over: AbortSignal): Promise<void> {
  const { seed } = settings;
  const bulk = site.client.bulk(job.key.bulkId);
  for (const { pause, paused, ...limits } of fc.sample(adjustments, { seed, numRuns: 1_000 })) {
    await unlessOver(pause, over);
    if (over.aborted) return;
    await unlessRefused(async () => {
      await insisting(over, () => bulk.pause());
      events.count('paused a job');
    });
    await unlessOver(paused, over);
    await unlessRefused(() => insisting(over, () => bulk.resume()));
    await unlessRefused(async () => {
      await insisting(over, () => bulk.change(limits));
      events.count('changed the limits of a job');
    });
  }
}

const breakage = fc.record({
  pause: fc.double({ min: 0.1, max: 1, noNaN: true }),
  what: fc.oneof(
    { weight: 5, arbitrary: fc.constant<Breakable>('worker') },
    { weight: 1, arbitrary: fc.constant<Breakable>('server') },
    { weight: 1, arbitrary: fc.constant<Breakable>('database') },
  ),
});

/** The server and the database among the first few, so that a short run has each of them broken. */
function plannedBreaking({ workers, longestPauseMs, seed }: BulkChaosSettings) {
  const first: Breakable[] = ['worker', 'database', 'worker', 'server'];
  const drawn = fc.sample(breakage, { seed, numRuns: 1_000 });
  let n = 0;
  return {
    workers,
    pause: () => drawn[n % drawn.length]!.pause * longestPauseMs,
    next: () => {
      const { what } = drawn[n % drawn.length]!;
      n += 1;
      return first[n - 1] ?? what;
    },
  };
}

/** What the job's report tells, by `externalBatchId`. */
async function reportOf({ client }: RealSite, { key }: BulkHandle): Promise<Map<string, Outcome[]>> {
  const told = new Map<string, Outcome[]>();
  const job = await client.findBulk(key.bulkId);
  for await (const { externalBatchId, ...outcome } of job.outcomes()) {
    const outcomes = told.get(externalBatchId) ?? [];
    told.set(externalBatchId, outcomes);
    outcomes.push(outcome);
  }
  return told;
}

async function rejectFigures(
  { store }: RealSite,
  { key }: BulkHandle,
  { badLines }: PlannedPortfolio,
): Promise<Pick<BulkChaosFigures, 'badLines' | 'rejectsWrong'>> {
  const address = bulkAddress(key);
  const refs = (await store.list(address)).filter(isRejects);
  const told = (await Promise.all(refs.map((ref) => getJson<Reject[]>(store, address, ref)))).flat();
  const lines = told.map(({ line }) => line);
  const once = badLines.filter((line) => lines.filter((other) => other === line).length === 1).length;
  return { badLines: badLines.length, rejectsWrong: badLines.length - once + (lines.length - once) };
}

function isCountedRight(
  { counts, rejects, batches, byStatus }: BulkResult,
  closed: ReadonlyMap<string, Outcome[]>,
  portfolio: PlannedPortfolio,
): boolean {
  const own = [...closed.values()].reduce(
    (sum, outcomes) => addCounts(sum, countOutcomes(outcomes.length, outcomes)),
    NO_CARDS,
  );
  const statuses = Object.values(byStatus).reduce((sum, count) => sum + count, 0);
  return (
    JSON.stringify(Object.entries(counts).sort()) === JSON.stringify(Object.entries(own).sort()) &&
    rejects === portfolio.badLines.length &&
    batches === portfolio.batches.length &&
    statuses === batches
  );
}
