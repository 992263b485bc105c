import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowFailedError } from '@temporalio/client';
import { BatchTerminatedError, ChangeRefusedError } from '../../client/errors.js';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import type { BatchResult, BatchStatus } from '../../enrollment/batch.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import type { PolicyInput } from '../../enrollment/policy-schema.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';
import { Breaking, insisting, unlessOver } from './breaking.js';
import { Events, type Happening } from './events.js';
import { countBy, faultFigures, offersRepeated, sealedDataLeft, type FaultFigures } from './figures.js';
import { operate, sweep } from './operator.js';
import {
  MOST_CALLS,
  planBatches,
  planFaults,
  STAGES,
  type PlannedBatch,
  type Treatment,
  type When,
} from './scenario.js';
import { forget, takeBack, terminate } from './terminations.js';
import { cardsNobodyHas, judge, type Verdict } from './verdict.js';

export interface ChaosSettings {
  batches: number;
  /** How many events a run of a batch has, about; a real server suggests to hand over after 4,096. */
  eventsARun: number;
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
  /** What has to have happened at least once. */
  happenings: readonly Happening[];
  /** Of batches and faults; when what is killed meets them is up to the machine. */
  seed: number;
  /** After that, batches that are not closed count as lost. */
  giveUpAfterMs: number;
}

export interface ChaosFigures extends Verdict, FaultFigures {
  /** How many batches were to be treated how, and ended how. */
  treatments: Record<string, number>;
  statuses: Record<string, number>;
  /** What people did, and how often. */
  events: Events['counts'];
  /** How many runs of batches handed over to another one. */
  handOvers: number;
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
const WITH_ROUNDS: PolicyInput = { ...QUICK, retryFailedRecords: { maxRounds: 2, delay: '1s' } };
const POLICY_OF: Record<Treatment['kind'], PolicyInput> = {
  plain: QUICK,
  cancelled: QUICK,
  policyChanged: QUICK,
  allOrNothing: { ...QUICK, onPartialFailure: 'rollback' },
  askingOperator: { ...QUICK, uncertainSubmission: 'askOperator' },
  furtherRounds: WITH_ROUNDS,
  terminated: WITH_ROUNDS,
  takenBack: WITH_ROUNDS,
  forgotten: WITH_ROUNDS,
};
const LOOKS_EVERY_MS = 500;

/** Enrolls batches while everything around them breaks, and tells what became of them. */
export async function runChaos(settings: ChaosSettings): Promise<ChaosFigures> {
  const started = Date.now();
  const planned = planBatches(settings.batches, settings.seed);
  const environment = await RealEnvironment.start({
    'limit.historyCount.suggestContinueAsNew': String(settings.eventsARun),
  });
  try {
    const site = await environment.site('chaos', { processingMs: PROCESSING_MS, requestsPerSecond: 1_000 });
    planFaults(MOST_CALLS, settings.faultRate, settings.seed).forEach((fault) => site.simulator.fault(fault));
    const run = new ChaosRun(site, settings, planned, started + settings.giveUpAfterMs);
    await run.seeThrough();

    const accepted = site.simulator.accepted();
    return {
      ...judge({
        planned: run.planned,
        closed: run.closed,
        accepted,
        enrolled: site.simulator.enrolledCards(),
      }),
      treatments: countBy(planned, ({ treatment }) => treatment.kind),
      statuses: countBy([...run.statuses.values()], (status) => status),
      events: run.events.counts,
      handOvers: (await site.temporal.workflow.count(`ExecutionStatus = 'ContinuedAsNew'`)).count,
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
  readonly events = new Events();
  /** Those that were to be enrolled, and those that took over cards of terminated ones. */
  readonly planned: PlannedBatch[];
  private begun = 0;
  private readonly givenUp = new Set<string>();
  private readonly breaking: Breaking;
  private readonly over = new AbortController();

  constructor(
    private readonly site: RealSite,
    private readonly settings: ChaosSettings,
    private readonly toEnroll: readonly PlannedBatch[],
    private readonly giveUpAt: number,
  ) {
    this.planned = [...toEnroll];
    setMaxListeners(0, this.over.signal);
    const { workers, killEveryMs } = settings;
    const next = () => (this.serverIsNext() ? 'server' : 'worker');
    this.breaking = new Breaking(site, { workers, pause: () => killEveryMs, next });
  }

  get kills(): Breaking['kills'] {
    return this.breaking.kills;
  }

  /** Resolves when every batch has closed, or when it is time to give up. */
  async seeThrough(): Promise<void> {
    const { site, settings, events, toEnroll } = this;
    const { signal } = this.over;
    const others = Promise.all([
      this.breaking.until(signal),
      operate(site, events, signal),
      sweep(site, (id) => this.givenUp.has(id), events, signal),
    ]);
    const waiting = toEnroll.values();
    const clients = Array.from({ length: settings.atOnce }, async () => {
      for (const batch of waiting) {
        this.begun += 1;
        if (this.begun === toEnroll.length) void this.holdProcessing();
        await this.seeBatchThrough(batch);
      }
    });
    const timeUp = unlessOver(this.giveUpAt - Date.now(), signal);
    try {
      await Promise.race([Promise.all(clients), others, timeUp]);
    } finally {
      this.over.abort();
      await others;
    }
    for (const { externalBatchId } of this.planned) {
      if (this.closed.has(externalBatchId)) continue;
      this.problems[externalBatchId] ??= `did not close in time: ${await this.stateOf(externalBatchId)}`;
    }
  }

  /** Why a batch may not have closed. */
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

  private holdProcessing(): Promise<void> {
    const { leastWorkerKills, serverKills } = this.settings;
    const least = { worker: leastWorkerKills, server: serverKills };
    return this.breaking.holdProcessing(least, this.over.signal);
  }

  private async seeBatchThrough(planned: PlannedBatch): Promise<void> {
    const { externalBatchId } = planned;
    try {
      const batch = await this.enroll(planned);
      await this.treat(planned, batch);
      const { status } = await this.resultOf(batch);
      await this.insisting(() => this.site.workflow(externalBatchId).result().catch(endedAsTold));
      this.statuses.set(externalBatchId, status);
      this.closed.set(externalBatchId, await batch.outcomes());
      if (this.givenUp.has(externalBatchId)) await this.enrollWhatIsLeft(planned);
    } catch (error) {
      this.problems[externalBatchId] = String(error);
    }
  }

  /** As a backend would: asks again for whatever Temporal did not answer. */
  private enroll({ externalBatchId, records, treatment }: PlannedBatch): Promise<EnrollmentBatch> {
    const request = { externalBatchId, program: PROGRAM, records, policy: POLICY_OF[treatment.kind] };
    return this.insisting(() => this.site.client.enroll(request));
  }

  private async treat(planned: PlannedBatch, batch: EnrollmentBatch): Promise<void> {
    const { treatment } = planned;
    if (!('stage' in treatment)) return;
    await this.untilIts(treatment, batch);
    if (treatment.kind === 'cancelled') return this.cancel(batch);
    if (treatment.kind === 'policyChanged') return this.change(batch, treatment.change);
    const { site, events } = this;
    const { externalBatchId } = planned;
    if (!(await this.insisting(() => terminate(site, externalBatchId)))) return;
    events.count('terminated');
    switch (treatment.kind) {
      case 'takenBack':
        await takeBack(site, externalBatchId, this.over.signal);
        events.count('took a terminated batch back');
        return;
      case 'forgotten':
        await this.insisting(() => forget(site, externalBatchId));
        events.count('had Temporal forget a terminated batch');
        break;
      case 'terminated':
        this.givenUp.add(externalBatchId);
    }
    await this.enroll(planned);
    events.count('enrolled a terminated batch again');
  }

  private async untilIts({ stage, afterMs }: When, batch: EnrollmentBatch): Promise<void> {
    const before: readonly BatchStatus[] = STAGES.slice(0, STAGES.indexOf(stage));
    const { signal } = this.over;
    while (before.includes((await this.insisting(() => batch.progress())).status) && !signal.aborted)
      await unlessOver(LOOKS_EVERY_MS, signal);
    await unlessOver(afterMs, signal);
  }

  /** Workers may be away for longer than a message waits for one. */
  private async cancel(batch: EnrollmentBatch): Promise<void> {
    for (;;) {
      try {
        return await this.insisting(() => batch.cancel());
      } catch (error) {
        if (!(error instanceof ChangeRefusedError) || this.over.signal.aborted) throw error;
        await unlessOver(LOOKS_EVERY_MS, this.over.signal);
      }
    }
  }

  /** The batch may be at its end already, or not at Mastercard. */
  private async change(batch: EnrollmentBatch, change: PolicyInput): Promise<void> {
    try {
      await this.insisting(() => batch.updatePolicy(change));
      this.events.count('changed a policy');
      await this.insisting(() => batch.pollNow());
      this.events.count('polled');
    } catch (error) {
      if (!(error instanceof ChangeRefusedError)) throw error;
    }
  }

  /** One that was terminated is waited for until it is swept. */
  private async resultOf(batch: EnrollmentBatch): Promise<BatchResult> {
    for (;;) {
      try {
        return await this.insisting(() => batch.result());
      } catch (error) {
        const isToBeSwept = this.givenUp.has(batch.externalBatchId) && error instanceof BatchTerminatedError;
        if (!isToBeSwept || this.over.signal.aborted) throw error;
        await unlessOver(LOOKS_EVERY_MS, this.over.signal);
      }
    }
  }

  /** An id is used up: what Mastercard does not have of a terminated batch is enrolled under another one. */
  private async enrollWhatIsLeft(terminated: PlannedBatch): Promise<void> {
    const { externalBatchId } = terminated;
    const outcomes = this.closed.get(externalBatchId)!;
    const left = cardsNobodyHas(terminated, outcomes, this.site.simulator.accepted());
    if (left.cards.length === 0) return;
    const again: PlannedBatch = {
      ...left,
      externalBatchId: `${externalBatchId}-again`,
      treatment: { kind: 'plain' },
    };
    this.planned.push(again);
    this.events.count('enrolled cards under a new id');
    await this.seeBatchThrough(again);
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
