import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowFailedError } from '@temporalio/client';
import type { BatchStatus } from '../../enrollment/batch.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import type { PolicyInput } from '../../enrollment/policy-schema.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';
import { Breaking, insisting } from './breaking.js';
import { countBy, faultFigures, offersRepeated, sealedDataLeft, type FaultFigures } from './figures.js';
import { MOST_CALLS, planBatches, planFaults, type PlannedBatch, type Treatment } from './scenario.js';
import { judge, type Verdict } from './verdict.js';

export interface ChaosSettings {
  batches: number;
  /** How many batches are under way at a time. */
  atOnce: number;
  workers: number;
  /** A worker is killed that often, each in turn, and a new one started at once. */
  killEveryMs: number;
  /** The last batch is not processed before so many were killed, all servers were, and a call met a fault. */
  leastWorkerKills: number;
  /** Spread evenly over the batches. */
  serverKills: number;
  /** The share of calls that meet a fault, in steps of 0.01. */
  faultRate: number;
  /** Of batches and faults; when what is killed meets them is up to the machine. */
  seed: number;
  /** After that, batches that are not closed count as lost. */
  giveUpAfterMs: number;
}

export interface ChaosFigures extends Verdict, FaultFigures {
  /** How many batches were to be treated how, and ended how. */
  treatments: Record<string, number>;
  statuses: Record<string, number>;
  /** How often an operator had a stuck rollback tried again. */
  decisions: number;
  /** Blobs with cardholder data that outlived their batch. */
  sealedDataLeft: number;
  workerKills: number;
  serverKills: number;
  /** Offers of a batch that Mastercard had accepted before, or that a fault kept from it. */
  offersRepeated: number;
  seconds: number;
  /** What a batch that did not close came to, by its id. */
  problems: Record<string, string>;
}

const PROCESSING_MS = 1_500;

const QUICK: PolicyInput = {
  polling: { initial: '1s', maximum: '5s' },
  submission: { initial: '500ms' },
};
const POLICY_OF: Record<Treatment, PolicyInput> = {
  plain: QUICK,
  cancelled: QUICK,
  allOrNothing: { ...QUICK, onPartialFailure: 'rollback' },
  furtherRounds: { ...QUICK, retryFailedRecords: { maxRounds: 2, delay: '1s' } },
};
/** When a batch that is to be cancelled is: somewhere on its way. */
const CANCEL_AFTER_MS = 2_000;
const OPERATOR_LOOKS_MS = 1_000;
const LOOKS_EVERY_MS = 200;

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
    return {
      ...judge({ planned, closed: run.closed, accepted, enrolled: site.simulator.enrolledCards() }),
      treatments: countBy(planned, ({ treatment }) => treatment),
      statuses: countBy([...run.statuses.values()], (status) => status),
      decisions: run.decisions,
      sealedDataLeft: await sealedDataLeft(site),
      workerKills: run.kills.worker,
      serverKills: run.kills.server,
      ...faultFigures(site.simulator.requests()),
      offersRepeated: offersRepeated(accepted),
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
  readonly statuses = new Map<string, BatchStatus>();
  decisions = 0;
  private begun = 0;
  private readonly breaking: Breaking;
  private readonly over = new AbortController();

  constructor(
    private readonly site: RealSite,
    private readonly settings: ChaosSettings,
    private readonly giveUpAt: number,
  ) {
    const { workers, killEveryMs } = settings;
    const next = () => (this.serverIsNext() ? 'server' : 'worker');
    this.breaking = new Breaking(site, { workers, pause: () => killEveryMs, next });
  }

  get kills(): Breaking['kills'] {
    return this.breaking.kills;
  }

  /** Resolves when every batch has closed, or when it is time to give up. */
  async seeThrough(planned: readonly PlannedBatch[]): Promise<void> {
    const breaking = this.breaking.until(this.over.signal);
    const operating = this.operate();
    const waiting = planned.values();
    const clients = Array.from({ length: this.settings.atOnce }, async () => {
      for (const batch of waiting) await this.enroll(batch);
    });
    const timeUp = delay(this.giveUpAt - Date.now(), undefined, { signal: this.over.signal }).catch(() => {});
    try {
      await Promise.race([Promise.all(clients), breaking, timeUp]);
    } finally {
      this.over.abort();
      await Promise.all([breaking, operating]);
    }
    for (const { externalBatchId } of planned) {
      if (this.closed.has(externalBatchId)) continue;
      this.problems[externalBatchId] ??= `did not close in time: ${await this.stateOf(externalBatchId)}`;
    }
  }

  /** For whoever looks for the reason. */
  private async stateOf(externalBatchId: string): Promise<string> {
    try {
      const { status, historyLength, raw } = await this.site.workflow(externalBatchId).describe();
      const pending = (raw.pendingActivities ?? []).map(
        ({ activityType, attempt, state }) => `${activityType?.name}, attempt ${attempt}, state ${state}`,
      );
      const task = raw.pendingWorkflowTask;
      const progress = await Promise.race([
        this.site.client.batch(externalBatchId).progress(),
        delay(10_000),
      ]);
      return JSON.stringify({ status: status.name, historyLength, pending, task, progress });
    } catch (error) {
      return String(error);
    }
  }

  /** Mastercard processes nothing more until enough was broken: however quick the machine is, batches meet it. */
  private async holdProcessing(): Promise<void> {
    const { simulator } = this.site;
    const { leastWorkerKills, serverKills } = this.settings;
    const isBrokenEnough = () =>
      this.kills.worker >= leastWorkerKills &&
      this.kills.server >= serverKills &&
      Object.keys(faultFigures(simulator.requests()).faults).length > 0;
    simulator.configure({ processingMs: Number.POSITIVE_INFINITY });
    while (!isBrokenEnough() && !this.over.signal.aborted) await delay(LOOKS_EVERY_MS);
    simulator.configure({ processingMs: PROCESSING_MS });
  }

  /** As a backend would: asks again for whatever Temporal did not answer. */
  private async enroll({ externalBatchId, records, treatment }: PlannedBatch): Promise<void> {
    const { site, settings } = this;
    const request = { externalBatchId, program: PROGRAM, records, policy: POLICY_OF[treatment] };
    this.begun += 1;
    if (this.begun === settings.batches) void this.holdProcessing();
    try {
      const batch = await this.insisting(() => site.client.enroll(request));
      if (treatment === 'cancelled') {
        await delay(CANCEL_AFTER_MS);
        await this.insisting(() => batch.cancel());
      }
      const { status } = await this.insisting(() => batch.result());
      await this.insisting(() => site.workflow(externalBatchId).result().catch(endedAsTold));
      this.statuses.set(externalBatchId, status);
      this.closed.set(externalBatchId, await batch.outcomes());
    } catch (error) {
      this.problems[externalBatchId] = String(error);
    }
  }

  /** As an operator would: has every rollback that is stuck tried again. */
  private async operate(): Promise<void> {
    const { client } = this.site;
    while (!this.over.signal.aborted) {
      await delay(OPERATOR_LOOKS_MS, undefined, { signal: this.over.signal }).catch(() => {});
      try {
        for await (const { externalBatchId } of client.list({ status: 'AWAITING_OPERATOR' })) {
          await client.batch(externalBatchId).retryRollback({ retry: true });
          this.decisions += 1;
        }
      } catch {
        // Temporal or a worker is being killed, or another batch was quicker: looks again.
      }
    }
  }

  private insisting<T>(ask: () => Promise<T>): Promise<T> {
    return insisting(this.over.signal, ask);
  }

  private serverIsNext(): boolean {
    const { batches, serverKills } = this.settings;
    if (this.kills.server >= serverKills) return false;
    return this.begun >= ((this.kills.server + 1) / (serverKills + 1)) * batches;
  }
}

/** A workflow that was cancelled or failed has ended, too. */
function endedAsTold(error: unknown): void {
  if (!(error instanceof WorkflowFailedError)) throw error;
}
