import { setTimeout as delay } from 'node:timers/promises';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import type { BatchStatus } from '../../enrollment/batch.js';
import type { OutcomeCounts } from '../../enrollment/outcomes.js';
import type { AcceptedBatch, Operation } from '../../simulator/index.js';
import { PROGRAM } from '../support/rig.js';
import type { Question } from '../../workflows/messages.js';
import type { Answer } from './answers.js';
import { recordsOf, type Death, type Duplicates, type Scenario } from './scenario.js';
import type { Timed, WireEvent } from './wire.js';
import type { World } from './world.js';

type HistoryEvent = NonNullable<History['events']>[number];

/** What can be seen of a batch once nothing happens any more unless time passes. */
export interface Standing {
  status: BatchStatus;
  counts: OutcomeCounts;
  question?: Question | undefined;
  /** Temporal's time, milliseconds since the epoch. */
  now: number;
  /** Activities that wait to be tried again. */
  retrying: string[];
  /** What happened since the last look. */
  events: Timed<WireEvent>[];
}

/** Far more than a step takes on a busy machine. */
const HANGS_AFTER_MS = 30_000;

/** One batch in the world: the real thing that the model is compared with. */
export class BatchRun {
  readonly events: Timed<WireEvent>[] = [];
  readonly attempts = new Attempts();
  /** Answers that c2p took for something else than the contract says. */
  readonly misread: string[] = [];
  readonly workflowId: string;
  batch!: EnrollmentBatch;
  private readonly answers = new Map<Operation, Answer[]>();
  private readonly deaths: Death[] = [];
  private readonly cancelIn = new Set<Operation>();
  private begunAt = 0;
  private elapsed = 0;
  private seen = 0;
  /** The length of the history when the workflow was last seen to have nothing to do. */
  private doneUpTo: number | undefined;

  private constructor(
    readonly world: World,
    readonly number: number,
    readonly scenario: Scenario,
    readonly externalBatchId: string,
    /** What was met, for the table of what the runs came across. */
    readonly met: (what: string) => void,
  ) {
    this.workflowId = workflowIdOf({ program: PROGRAM, externalBatchId });
  }

  /** Enrolls the batch, and waits until it has come as far as it can without time passing. */
  static async begin(
    world: World,
    number: number,
    scenario: Scenario,
    met: (what: string) => void,
  ): Promise<BatchRun> {
    const id = `model-${number}${scenario.batchTrigger}`;
    const run = new BatchRun(world, number, scenario, id, met);
    world.run = run;
    world.simulator.clearFaults();
    run.configure({ processingMs: scenario.processing, duplicates: scenario.duplicates });
    for (const [op, answers] of Object.entries(scenario.answers) as [Operation, Answer[]][]) {
      for (const answer of answers) run.willAnswer(op, answer);
    }
    if (scenario.death) run.dies(scenario.death);
    run.begunAt = await world.rig.env.currentTimeMs();
    run.batch = await world.client(scenario.cached).enroll({
      externalBatchId: id,
      program: PROGRAM,
      records: recordsOf(scenario, number),
      policy: scenario.policy,
    });
    return run;
  }

  /** By the simulator's clock, which begins anew with every run: Temporal's leaps ahead by years between them. */
  get now(): number {
    return Date.parse('2026-11-24T12:00:00Z') + this.elapsed;
  }

  willAnswer(op: Operation, answer: Answer): void {
    this.answers.set(op, [...(this.answers.get(op) ?? []), answer]);
  }

  takeAnswer(op: Operation): Answer | undefined {
    return this.answers.get(op)?.shift();
  }

  /** The worker will die in the next attempt at an activity of this type. */
  dies(death: Death): void {
    this.deaths.push(death);
  }

  takeDeath(activityType: string): Death['when'] | undefined {
    const index = this.deaths.findIndex(({ activity }) => activity === activityType);
    return index < 0 ? undefined : this.deaths.splice(index, 1)[0]?.when;
  }

  /** The batch will be cancelled while the next call of this kind is under way. */
  cancelDuring(op: Operation): void {
    this.cancelIn.add(op);
  }

  /** Whether the simulator was ever told to accept a batch twice. */
  acceptsAgain = false;

  configure(settings: { processingMs?: number; duplicates?: Duplicates }): void {
    if (settings.duplicates === 'acceptedAgain') this.acceptsAgain = true;
    this.world.simulator.configure(settings);
  }

  /** How Temporal says that the workflow ended, and the type of its failure. */
  async closeEvent(): Promise<{ kind: string; failureType: string | undefined }> {
    const [history] = await this.world.rig.histories(this.externalBatchId);
    const last = history?.events?.at(-1);
    const failure = last?.workflowExecutionFailedEventAttributes?.failure;
    const kind = failure
      ? 'failed'
      : last?.workflowExecutionCanceledEventAttributes
        ? 'cancelled'
        : last?.workflowExecutionCompletedEventAttributes
          ? 'completed'
          : 'in another way';
    return { kind, failureType: failure?.applicationFailureInfo?.type ?? undefined };
  }

  /** Nothing fails any more. */
  allIsWell(): void {
    this.answers.clear();
    this.deaths.length = 0;
    this.cancelIn.clear();
    this.world.simulator.clearFaults();
    this.configure({ processingMs: 0 });
  }

  /** Takes the time from Temporal, for what happens next. */
  async tick(): Promise<void> {
    this.elapsed = (await this.world.rig.env.currentTimeMs()) - this.begunAt;
  }

  saw(event: WireEvent): void {
    this.events.push({ ...event, at: this.begunAt + this.elapsed });
  }

  /** What happens just before a call to Mastercard. */
  async beforeCall(op: Operation): Promise<void> {
    if (!this.cancelIn.delete(op)) return;
    await this.batch.cancel();
    this.met(`cancelled during ${op}`);
    this.saw({ op: 'cancel' });
  }

  /** A call was answered: with an error, it must mean to c2p what the contract's table says. */
  wasAnswered(op: Operation, answer: Answer | undefined, kind: string): void {
    if (!answer) return;
    this.met(`${op}: ${answer.name}`);
    if (kind !== answer.kind) this.misread.push(`${answer.name} to ${op} as ${kind}`);
  }

  /** Lets time pass; whatever falls due meanwhile happens. */
  async sleep(ms: number): Promise<void> {
    await this.world.rig.env.sleep(ms);
  }

  /** Waits for a request to be decided, letting time pass where it needs that. */
  async letTimePassUntil(request: Promise<unknown>): Promise<void> {
    const giveUpAt = Date.now() + HANGS_AFTER_MS;
    let decided = false;
    const isDecided = () => void (decided = true);
    request.then(isDecided, isDecided);
    while (!decided) {
      if (Date.now() > giveUpAt) throw new Error('the batch hangs: a request to it is not decided');
      const retrying = await this.settled();
      if (decided) return;
      if (retrying.length > 0) await this.sleep(10_000);
      else await delay(3);
    }
  }

  /** Everything that has happened so far, and where the batch stands. */
  async look(): Promise<Standing> {
    for (;;) {
      const retrying = await this.settled();
      const [length, happened] = [this.doneUpTo, this.events.length];
      const now = await this.world.rig.env.currentTimeMs();
      const { status, counts, question } = await this.batch.progress();
      await this.settled();
      // Something fell due just now: all of it belongs together.
      if (this.doneUpTo !== length || this.events.length !== happened) continue;
      const events = this.events.slice(this.seen);
      this.seen = this.events.length;
      return { status, counts, question, now, retrying, events };
    }
  }

  /** What Mastercard accepted of this batch, all rounds. */
  accepted(): AcceptedBatch[] {
    const id = this.externalBatchId;
    return this.world.simulator
      .accepted()
      .filter(({ externalBatchId }) => externalBatchId === id || externalBatchId.startsWith(`${id}~`));
  }

  /** Which cards of this batch are in Click to Pay now. */
  enrolledCards() {
    const prefix = `run-${this.number}-`;
    return this.world.simulator
      .enrolledCards()
      .filter(({ externalConsumerId }) => externalConsumerId.startsWith(prefix));
  }

  /** Leaves nothing behind that could disturb the next run. */
  async giveUp(): Promise<void> {
    this.world.run = undefined;
    await this.world.rig
      .workflow(this.externalBatchId)
      .terminate('the run failed')
      .catch(() => {});
  }

  /**
   * Waits until the batch does nothing more unless time passes or somebody acts.
   * @returns the types of the activities that wait for their next attempt.
   */
  async settled(): Promise<string[]> {
    const giveUpAt = Date.now() + HANGS_AFTER_MS;
    for (;;) {
      const resting = await this.restingActivities();
      if (Array.isArray(resting)) return resting;
      if (Date.now() > giveUpAt) throw new Error(`the batch hangs: ${resting} is not done`);
      await delay(3);
    }
  }

  /** @returns what is under way, if something is. */
  private async restingActivities(): Promise<string[] | string> {
    const handle = this.world.rig.workflow(this.externalBatchId);
    const { raw, historyLength } = await handle.describe();
    const pending = raw.pendingActivities ?? [];
    const busy = pending.find((it) => !this.attempts.isResting(it.activityId ?? '', it.attempt ?? 1));
    if (busy) return busy.activityType?.name ?? 'an activity';
    if (historyLength !== this.doneUpTo) {
      const { events } = await handle.fetchHistory();
      if (!workflowHasRested(events ?? [])) return 'a workflow task';
      this.doneUpTo = events?.length;
      // An activity may have been scheduled since its absence was seen.
      return this.restingActivities();
    }
    return pending.map(({ activityType }) => activityType?.name ?? '');
  }
}

/** Which attempts at activities are over. */
class Attempts {
  private readonly underWay = new Set<string>();
  private readonly over = new Map<string, number>();

  begins(activityId: string, attempt: number): void {
    this.underWay.add(`${activityId}/${attempt}`);
  }

  ended(activityId: string, attempt: number): void {
    this.underWay.delete(`${activityId}/${attempt}`);
    this.over.set(activityId, attempt);
  }

  /** Whether the activity waits for its next attempt, of the given number. */
  isResting(activityId: string, next: number): boolean {
    return this.underWay.size === 0 && this.over.get(activityId) === next - 1;
  }
}

/** Whether the workflow has dealt with everything in its history. */
function workflowHasRested(events: readonly HistoryEvent[]): boolean {
  const scheduled = events.findLastIndex((event) => event.workflowTaskScheduledEventAttributes);
  const completed = events.findLastIndex((event) => event.workflowTaskCompletedEventAttributes);
  return completed > scheduled;
}
