import { setTimeout as delay } from 'node:timers/promises';
import { ServiceError } from '@temporalio/client';
import type { PostgresServer } from '../support/postgres.js';
import type { RealSite } from '../support/real-environment.js';
import { faultFigures } from './figures.js';

/** What is killed, and started again at once: one of the workers, Temporal's server, or the store's database. */
export type Breakable = 'worker' | 'server' | 'database';

export interface BreakingPlan {
  /** How many workers there are. */
  workers: number;
  /** How long to leave everything in peace before something is broken again (ms). */
  pause(): number;
  next(): Breakable;
  /** Where the site's store is, if that is to be broken. */
  database?: PostgresServer | undefined;
}

const LOOKS_EVERY_MS = 200;

/** Breaks a site's parts, one after the other, and counts what it broke. */
export class Breaking {
  readonly kills: Record<Breakable, number> = { worker: 0, server: 0, database: 0 };
  /** How workers ended that nobody killed. */
  readonly ownDeaths: string[] = [];

  constructor(
    private readonly site: RealSite,
    private readonly plan: BreakingPlan,
  ) {}

  private async startWorker(): Promise<{ kill(): Promise<void> }> {
    const worker = await this.site.startWorker();
    let isKilled = false;
    void worker.ended.then(async (how) => {
      if (!isKilled) this.ownDeaths.push(`${how}: ${await worker.logTail()}`);
    });
    const kill = () => {
      isKilled = true;
      return worker.kill();
    };
    return { kill };
  }

  /**
   * Mastercard processes nothing more until so much was broken, a call met a fault, and whatever else has to happen
   * did: however quick the machine is, batches meet it.
   */
  async holdProcessing(
    least: Partial<Record<Breakable, number>>,
    over: AbortSignal,
    hasHappened: () => boolean = () => true,
  ): Promise<void> {
    const { simulator } = this.site;
    const isBrokenEnough = () =>
      Object.entries(least).every(([what, kills]) => this.kills[what as Breakable] >= kills) &&
      Object.keys(faultFigures(simulator.requests()).faults).length > 0 &&
      hasHappened();
    const { processingMs } = simulator.configure({});
    simulator.configure({ processingMs: Number.POSITIVE_INFINITY });
    while (!isBrokenEnough() && !over.aborted) await delay(LOOKS_EVERY_MS);
    simulator.configure({ processingMs });
  }

  /** Starts the workers, and breaks things until it is over; what it broke last is whole again then. */
  async until(over: AbortSignal): Promise<void> {
    const { site, plan, kills } = this;
    const start = () => this.startWorker();
    const workers = await Promise.all(Array.from({ length: plan.workers }, start));
    while (!over.aborted) {
      await unlessOver(plan.pause(), over);
      if (over.aborted) return;
      const what = plan.next();
      kills[what] += 1;
      switch (what) {
        case 'worker':
          await workers.shift()?.kill();
          workers.push(await start());
          break;
        case 'server':
          await site.environment.killServer();
          await site.environment.startServerAgain();
          break;
        case 'database':
          await plan.database?.crash();
          await plan.database?.startAgain();
          break;
      }
    }
  }
}

/** Resolves after this time (ms), or when it is over. */
export async function unlessOver(ms: number, over: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal: over }).catch(() => {});
}

/** Asks again for whatever Temporal did not answer, as a backend would; what else went wrong is thrown. */
export async function insisting<T>(over: AbortSignal, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ServiceError) || over.aborted) throw error;
      await delay(500);
    }
  }
}
