import { setTimeout as delay } from 'node:timers/promises';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import type { BatchStatus } from '../../enrollment/batch.js';
import type { OutcomeCounts } from '../../enrollment/outcomes.js';
import type { AcceptedBatch, Operation } from '../../simulator/index.js';
import { PROGRAM } from '../support/rig.js';
import type { Question } from '../../enrollment/questions.js';
import type { Answer } from './answers.js';
import { activityKey, HANGS_AFTER_MS, Rest } from './rest.js';
import { recordsOf, type Duplicates, type Scenario } from './scenario.js';
import { Troubles } from './troubles.js';
import type { Timed, WatchedRun, WireEvent } from './watched-run.js';
import type { World } from './world.js';

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

/** One batch in the world: the real thing that the model is compared with. */
export class BatchRun implements WatchedRun {
  readonly events: Timed<WireEvent>[] = [];
  /** Answers that c2p took for something else than the contract says. */
  readonly misread: string[] = [];
  /** Whether the simulator was ever told to accept a batch twice. */
  acceptsAgain = false;
  readonly workflowId: string;
  readonly rest: Rest;
  batch!: EnrollmentBatch;
  readonly troubles = new Troubles();
  private begunAt = 0;
  private elapsed = 0;
  private seen = 0;
  private isSecond = false;
  private isWell = false;

  private constructor(
    readonly world: World,
    readonly number: number,
    readonly scenario: Scenario,
    readonly externalBatchId: string,
    /** What was met, for the table of what the runs came across. */
    readonly met: (what: string) => void,
  ) {
    this.workflowId = workflowIdOf({ program: PROGRAM, externalBatchId });
    this.rest = new Rest(world.rig.workflow(externalBatchId));
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
      run.troubles.willAnswer(op, ...answers);
    }
    if (scenario.death) run.troubles.willDie(scenario.death);
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
    this.isWell = true;
    this.troubles.clear();
    this.world.simulator.clearFaults();
    this.configure({ processingMs: 0 });
  }

  /** Takes the time from Temporal, for what happens next. */
  async tick(): Promise<void> {
    this.elapsed = (await this.world.rig.env.currentTimeMs()) - this.begunAt;
  }

  saw(event: WireEvent): void {
    this.events.push({ ...event, at: this.begunAt + this.elapsed, activity: activityKey() });
  }

  /** With the second round another time begins. */
  isOffered(externalBatchId: string): void {
    if (this.isSecond || externalBatchId !== batchEnroll.batch.roundId(this.externalBatchId, 2)) return;
    this.isSecond = true;
    if (this.isWell) return;
    const { processing, enroll } = this.scenario.second;
    this.configure({ processingMs: processing });
    this.troubles.willAnswer('enroll', ...enroll);
  }

  /** What happens just before a call to Mastercard. */
  async beforeCall(op: Operation): Promise<void> {
    if (!this.troubles.takeCancellation(op)) return;
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
      const retrying = await this.rest.reached();
      if (decided) return;
      if (retrying.length > 0) await this.sleep(10_000);
      else await delay(3);
    }
  }

  /** Everything that has happened so far, and where the batch stands. */
  async look(): Promise<Standing> {
    for (;;) {
      const retrying = await this.rest.reached();
      const [reached, happened] = [this.rest.reachedAt, this.events.length];
      const now = await this.world.rig.env.currentTimeMs();
      const { status, counts, question } = await this.batch.progress();
      await this.rest.reached();
      // Something fell due just now: all of it belongs together.
      if (this.rest.reachedAt !== reached || this.events.length !== happened) continue;
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
}
