import { setTimeout as delay } from 'node:timers/promises';
import { ServiceError } from '@temporalio/client';
import { KEPT_BLOBS } from '../../enrollment/blobs.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import type { LoggedRequest } from '../../simulator/index.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';
import { NO_FAULT, planBatches, planFaults, type PlannedBatch } from './scenario.js';
import { judge, type Verdict } from './verdict.js';

export interface ChaosSettings {
  batches: number;
  /** How many batches are under way at a time. */
  atOnce: number;
  workers: number;
  /** A worker is killed that often, each in turn, and a new one started at once. */
  killEveryMs: number;
  /** Spread evenly over the batches. */
  serverKills: number;
  /** The share of calls that meet a fault, in steps of 0.01. */
  faultRate: number;
  /** Of batches and faults; when what is killed meets them is up to the machine. */
  seed: number;
  /** After that, batches that are not closed count as lost. */
  giveUpAfterMs: number;
}

export interface ChaosFigures extends Verdict {
  /** Blobs with cardholder data that outlived their batch. */
  sealedDataLeft: number;
  workerKills: number;
  serverKills: number;
  /** Calls that the simulator answered, or broke off. */
  calls: number;
  /** How many calls met which fault. */
  faults: Record<string, number>;
  faultRate: number;
  /** Offers of a batch that Mastercard had accepted before, or that a fault kept from it. */
  offersRepeated: number;
  seconds: number;
  /** What a batch that did not close came to, by its id. */
  problems: Record<string, string>;
}

const PROCESSING_MS = 1_500;
/** More than a run can need: the simulator keeps a log of as many. */
const MOST_CALLS = 10_000;

const POLICY = { polling: { initial: '1s' }, submission: { initial: '500ms' } };

/** Enrolls batches while everything around them breaks, and tells what became of them. */
export async function runChaos(settings: ChaosSettings): Promise<ChaosFigures> {
  const started = Date.now();
  const planned = planBatches(settings.batches, settings.seed);
  const environment = await RealEnvironment.start();
  try {
    const site = await environment.site('chaos', { processingMs: PROCESSING_MS, requestsPerSecond: 1_000 });
    planFaults(MOST_CALLS, settings.faultRate, settings.seed).forEach((fault) => site.simulator.fault(fault));
    const run = new ChaosRun(site, settings, started + settings.giveUpAfterMs);
    await run.seeThrough(planned);

    const accepted = site.simulator.accepted();
    const offers = accepted.flatMap((batch) => batch.offers);
    return {
      ...judge({ planned, closed: run.closed, accepted }),
      sealedDataLeft: await sealedDataLeft(site, planned),
      workerKills: run.workerKills,
      serverKills: run.serverKills,
      ...faultFigures(site.simulator.requests()),
      offersRepeated: offers.length - accepted.length,
      seconds: Math.round((Date.now() - started) / 1_000),
      problems: run.problems,
    };
  } finally {
    await environment.close();
  }
}

class ChaosRun {
  readonly closed = new Map<string, Outcome[]>();
  readonly problems: Record<string, string> = {};
  workerKills = 0;
  serverKills = 0;
  private begun = 0;
  private readonly over = new AbortController();

  constructor(
    private readonly site: RealSite,
    private readonly settings: ChaosSettings,
    private readonly giveUpAt: number,
  ) {}

  /** Resolves when every batch has closed, or when it is time to give up. */
  async seeThrough(planned: readonly PlannedBatch[]): Promise<void> {
    const breaking = this.breakThings();
    const waiting = planned.values();
    const clients = Array.from({ length: this.settings.atOnce }, async () => {
      for (const batch of waiting) await this.enroll(batch);
    });
    const timeUp = delay(this.giveUpAt - Date.now(), undefined, { signal: this.over.signal }).catch(() => {});
    try {
      await Promise.race([Promise.all(clients), breaking, timeUp]);
    } finally {
      this.over.abort();
      await breaking;
    }
    for (const { externalBatchId } of planned) {
      if (!this.closed.has(externalBatchId)) this.problems[externalBatchId] ??= 'did not close in time';
    }
  }

  /** As a backend would: asks again for whatever Temporal did not answer. */
  private async enroll({ externalBatchId, records }: PlannedBatch): Promise<void> {
    const { site } = this;
    const request = { externalBatchId, program: PROGRAM, records, policy: POLICY };
    this.begun += 1;
    try {
      const batch = await this.insisting(() => site.client.enroll(request));
      await this.insisting(() => batch.result());
      await this.insisting(() => site.workflow(externalBatchId).result());
      this.closed.set(externalBatchId, await batch.outcomes());
    } catch (error) {
      this.problems[externalBatchId] = String(error);
    }
  }

  private async insisting<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof ServiceError) || this.over.signal.aborted) throw error;
        await delay(500);
      }
    }
  }

  /** Kills one worker after the other, and now and then the server, until the run is over. */
  private async breakThings(): Promise<void> {
    const { site, settings } = this;
    const start = () => site.startWorker();
    const workers = await Promise.all(Array.from({ length: settings.workers }, start));
    while (!this.over.signal.aborted) {
      await delay(settings.killEveryMs, undefined, { signal: this.over.signal }).catch(() => {});
      if (this.over.signal.aborted) return;
      if (this.serverIsNext()) {
        this.serverKills += 1;
        await site.environment.killServer();
        await site.environment.startServerAgain();
      } else {
        this.workerKills += 1;
        await workers.shift()?.kill();
        workers.push(await start());
      }
    }
  }

  private serverIsNext(): boolean {
    const { batches, serverKills } = this.settings;
    if (this.serverKills >= serverKills) return false;
    return this.begun >= ((this.serverKills + 1) / (serverKills + 1)) * batches;
  }
}

function faultFigures(
  requests: readonly LoggedRequest[],
): Pick<ChaosFigures, 'calls' | 'faults' | 'faultRate'> {
  const faults: Record<string, number> = {};
  for (const { fault, status } of requests) {
    if (fault === undefined || fault === NO_FAULT.kind) continue;
    const name = status === 'dropped' ? fault : `${fault} ${status}`;
    faults[name] = (faults[name] ?? 0) + 1;
  }
  const met = Object.values(faults).reduce((sum, count) => sum + count, 0);
  return { calls: requests.length, faults, faultRate: Number((met / requests.length).toFixed(3)) };
}

async function sealedDataLeft(site: RealSite, planned: readonly PlannedBatch[]): Promise<number> {
  const blobs = await Promise.all(planned.map(({ externalBatchId }) => site.blobs(externalBatchId)));
  return blobs.flat().filter((ref) => !KEPT_BLOBS.has(ref)).length;
}
