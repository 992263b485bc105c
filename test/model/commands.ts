import fc from 'fast-check';
import { expect } from 'vitest';
import { ChangeRefusedError, ResolutionRefusedError } from '../../client/errors.js';
import { isClosed } from '../../enrollment/batch.js';
import type { PolicyOverrides } from '../../enrollment/policy.js';
import { roundBatchId } from '../../enrollment/identifiers.js';
import type { Operation } from '../../simulator/index.js';
import { ANSWERS, type Answer } from './answers.js';
import type { BatchRun, Standing } from './batch-run.js';
import type { Model } from './model.js';
import { answerTo, death, type Death, type Duplicates } from './scenario.js';

type Command = fc.AsyncCommand<Model, BatchRun>;

/** Holds the batch against the model: it may only be where the model says. */
export async function compare(model: Model, run: BatchRun, then: (seen: Standing) => void = () => {}) {
  const standing = await run.look();
  model.follow(standing);
  then(standing);
  const { status, counts, retrying } = standing;
  const { cards, pending, enrolled, failed, invalid, rolledBack, unreported } = counts;
  expect(pending + enrolled + failed + invalid + rolledBack + unreported, 'the counts add up').toBe(cards);
  // What is closed in the store is not yet closed in Temporal, or the other way round.
  if (retrying.includes('purgeBatch')) return standing;
  expect(model.possible, `where the batch may be, with ${JSON.stringify(standing)}`).toContain(status);
  model.isIn(standing);
  if (isClosed(status)) expect(model.stage).toBe('closed');
  return standing;
}

/** One thing that happens to a batch, or that will. */
abstract class Step implements Command {
  abstract check(model: Readonly<Model>): boolean;
  protected abstract act(model: Model, run: BatchRun): Promise<((seen: Standing) => void) | void>;
  abstract toString(): string;

  async run(model: Model, run: BatchRun): Promise<void> {
    run.met(`command ${this.constructor.name}`);
    const then = await this.act(model, run);
    await compare(model, run, then ?? undefined);
  }
}

class Answers extends Step {
  constructor(
    private readonly op: Operation,
    private readonly answer: Answer,
    private readonly times: number,
  ) {
    super();
  }
  check = ({ isOpen }: Readonly<Model>) => isOpen;
  async act(_model: Model, run: BatchRun): Promise<void> {
    for (let i = 0; i < this.times; i += 1) run.willAnswer(this.op, this.answer);
  }
  toString = () => `${this.op} will be answered ${this.answer.name} × ${this.times}`;
}

class Duplicated extends Step {
  constructor(private readonly duplicates: Duplicates) {
    super();
  }
  check = ({ isOpen }: Readonly<Model>) => isOpen;
  async act(_model: Model, run: BatchRun): Promise<void> {
    run.configure({ duplicates: this.duplicates });
  }
  toString = () => `duplicates ${this.duplicates}`;
}

class Processes extends Step {
  constructor(private readonly processingMs: number) {
    super();
  }
  check = ({ isOpen }: Readonly<Model>) => isOpen;
  async act(_model: Model, run: BatchRun): Promise<void> {
    run.configure({ processingMs: this.processingMs });
  }
  toString = () => `a batch takes ${this.processingMs / 60_000} min`;
}

class WorkerDies extends Step {
  constructor(private readonly death: Death) {
    super();
  }
  check = ({ isOpen }: Readonly<Model>) => isOpen;
  async act(_model: Model, run: BatchRun): Promise<void> {
    run.dies(this.death);
  }
  toString = () => `the worker will die ${this.death.when} ${this.death.activity}`;
}

class TimePasses extends Step {
  constructor(private readonly ms: number) {
    super();
  }
  check = ({ isOpen }: Readonly<Model>) => isOpen;
  async act(_model: Model, run: BatchRun): Promise<void> {
    await run.sleep(this.ms);
  }
  toString = () => `${(this.ms / 60_000).toFixed(1)} min pass`;
}

class PollNow extends Step {
  check = ({ isOpen, retrying }: Readonly<Model>) => isOpen && retrying.length === 0;
  async act(_model: Model, run: BatchRun): Promise<void> {
    await run.batch.pollNow();
  }
  toString = () => 'poll now';
}

/** While an activity is under way, the test server can hang over its cancellation. */
class Cancel extends Step {
  check = ({ isOpen, retrying }: Readonly<Model>) => isOpen && retrying.length === 0;
  async act(model: Model, run: BatchRun): Promise<void> {
    model.cancels();
    await run.batch.cancel();
  }
  toString = () => 'cancel';
}

/** Only calls that a cancellation does not interrupt. */
class CancelDuring extends Step {
  constructor(private readonly op: 'enroll' | 'deleteCard' | 'deleteProfile') {
    super();
  }
  check = ({ isOpen }: Readonly<Model>) => isOpen;
  async act(_model: Model, run: BatchRun): Promise<void> {
    run.cancelDuring(this.op);
  }
  toString = () => `cancel during the next ${this.op}`;
}

class Restart extends Step {
  constructor(private readonly meanwhile: 'nothing' | 'cancel' | 'pollNow') {
    super();
  }
  check = ({ isOpen, retrying, cached }: Readonly<Model>) =>
    isOpen && !cached && (this.meanwhile === 'nothing' || retrying.length === 0);
  async act(model: Model, run: BatchRun): Promise<void> {
    await run.world.restartWorkers(async () => {
      if (this.meanwhile === 'pollNow') await run.batch.pollNow();
      if (this.meanwhile !== 'cancel') return;
      model.cancels();
      await run.batch.cancel();
    });
  }
  toString = () => `the workers are restarted, meanwhile ${this.meanwhile}`;
}

class ExtendDeadline extends Step {
  /** @param by from now, ms; nothing: the batch is given up. */
  constructor(private readonly by: number | undefined) {
    super();
  }
  check = ({ isOpen, retrying }: Readonly<Model>) => isOpen && retrying.length === 0;
  act(model: Model, run: BatchRun) {
    return extend(model, run, this.by);
  }
  toString = () =>
    `extend the deadline: ${this.by === undefined ? 'abandon' : `${this.by / HOUR} h from now`}`;
}

class UpdatePolicy extends Step {
  constructor(private readonly change: PolicyOverrides) {
    super();
  }
  check = ({ isOpen, retrying }: Readonly<Model>) => isOpen && retrying.length === 0;
  async act(model: Model, run: BatchRun): Promise<void> {
    const { stage, cancelled } = model;
    const mayChange = !cancelled && stage !== 'removing' && stage !== 'deciding';
    const expected = mayChange && this.change.onInvalidRecords === undefined ? 'taken' : 'refused';
    // As the workflow has it when it goes on.
    if (expected === 'taken') model.changes(this.change);
    const verdict = await verdictOf(run.batch.updatePolicy(this.change));
    run.met(`change of policy: ${verdict}`);
    expect(verdict, this.toString()).toBe(expected);
  }
  toString = () => `change of policy: ${JSON.stringify(this.change)}`;
}

type Answered = 'right' | 'foreign' | 'unknown' | 'abandon';

class Resolve extends Step {
  constructor(private readonly answered: Answered) {
    super();
  }
  check = ({ isOpen, retrying, stage }: Readonly<Model>) =>
    isOpen && retrying.length === 0 && stage !== 'preparing';
  act(model: Model, run: BatchRun) {
    return resolve(model, run, this.answered);
  }
  toString = () => `resolve: ${this.answered}`;
}

class Decide extends Step {
  constructor(private readonly decision: 'retry' | 'abandon') {
    super();
  }
  check = ({ isOpen, retrying }: Readonly<Model>) => isOpen && retrying.length === 0;
  act(model: Model, run: BatchRun) {
    return decide(model, run, this.decision);
  }
  toString = () => `decide about the rollback: ${this.decision}`;
}

/** Answers for the operator who is asked for a batchId, or who is not asked and must be told so. */
export async function resolve(model: Model, run: BatchRun, answered: Answered) {
  const asked = model.stage === 'asking';
  const ours = roundBatchId(run.externalBatchId, model.round);
  const batchId = batchIdFor(model, run, answered);
  if (asked && batchId === undefined) model.isAbandoned();
  const request = verdictOf(run.batch.resolve(batchId === undefined ? { abandon: true } : { batchId }));
  await run.letTimePassUntil(request);
  const verdict = await request;
  run.met(`resolve ${asked ? answered : 'unasked'}: ${verdict}`);
  return ({ events }: Standing): void => {
    if (!asked) return expect(verdict, 'an answer that nobody asked for').toBe('refused');
    if (batchId === undefined) return expect(verdict).toBe('taken');
    const believed = events.some(
      (event) => event.op === 'status' && event.batchId === batchId && namesOurs(event.result, ours),
    );
    expect(verdict, `what ${answered} came to`).toBe(believed ? 'taken' : 'refused');
    const failed = events.some((event) => event.op === 'status' && event.result.kind !== 'ok');
    if (!failed) expect(believed, 'only the right batchId is believed').toBe(answered === 'right');
  };
}

function namesOurs(result: object, ours: string): boolean {
  return 'externalBatchId' in result && result.externalBatchId === ours;
}

/** Nothing: the operator gives the batch up. */
function batchIdFor(model: Model, run: BatchRun, answered: Answered): string | undefined {
  const ours = roundBatchId(run.externalBatchId, model.round);
  const all = run.world.simulator.accepted();
  switch (answered) {
    case 'abandon':
      return undefined;
    case 'unknown':
      return 'nobody-has-this-id';
    case 'foreign':
      return all.find(({ externalBatchId }) => externalBatchId !== ours)?.batchId ?? 'nobody-has-this-id';
    case 'right':
      return all.findLast(({ externalBatchId }) => externalBatchId === ours)?.batchId;
  }
}

export async function decide(model: Model, run: BatchRun, decision: 'retry' | 'abandon') {
  const asked = model.stage === 'deciding';
  if (asked && decision === 'retry') model.removesAgain();
  if (asked && decision === 'abandon') model.removalIsAbandoned();
  const verdict = await verdictOf(
    run.batch.retryRollback(decision === 'retry' ? { retry: true } : { abandon: true }),
  );
  run.met(`decide ${asked ? decision : 'unasked'}: ${verdict}`);
  expect(verdict, 'whether a decision is taken').toBe(asked ? 'taken' : 'refused');
}

/** Gives Mastercard more time, or the batch up. */
export async function extend(model: Model, run: BatchRun, by: number | undefined) {
  const asked = model.question === 'moreTime';
  const until = new Date((await run.world.rig.env.currentTimeMs()) + (by ?? 0));
  const isLater = until.getTime() - model.deadline;
  const polled = model.stage === 'processing';
  if (by === undefined && asked) model.deadlineIsAbandoned();
  if (by !== undefined && polled && isLater > 0) model.isExtended(until.getTime());
  const verdict = await verdictOf(run.batch.extendDeadline(by === undefined ? { abandon: true } : { until }));
  run.met(`extend${asked ? '' : ' unasked'}${by === undefined ? ', abandon' : ''}: ${verdict}`);
  const expected = by === undefined ? asked : polled && isLater > 0;
  expect(verdict, 'whether a new deadline is taken').toBe(expected ? 'taken' : 'refused');
}

async function verdictOf(request: Promise<unknown>): Promise<'taken' | 'refused'> {
  try {
    await request;
    return 'taken';
  } catch (error) {
    if (error instanceof ResolutionRefusedError || error instanceof ChangeRefusedError) return 'refused';
    throw error;
  }
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const OPERATIONS = Object.keys(ANSWERS) as Operation[];
const times = fc.constantFrom(1, 1, 2, 3, 8);

const answers = fc
  .oneof(...OPERATIONS.map((op) => fc.record({ op: fc.constant(op), answer: answerTo(op), times })))
  .map(({ op, answer, times }) => new Answers(op, answer, times));
const timePasses = fc
  .constantFrom(
    1_000,
    MINUTE,
    5 * MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    15 * MINUTE,
    HOUR,
    6 * HOUR,
    30 * HOUR,
    90 * 24 * HOUR,
  )
  // Not a multiple of the waits of a policy: what falls due falls due before or after, not just then.
  .map((ms) => new TimePasses(ms + 7_300));

const restart = fc
  .constantFrom('nothing' as const, 'cancel' as const, 'pollNow' as const)
  .map((it) => new Restart(it));

const policyChange = fc.constantFrom<PolicyOverrides>(
  { onCancel: 'leave' },
  { onCancel: 'rollback' },
  { onPartialFailure: 'rollback' },
  { onPartialFailure: 'keep', uncertainSubmission: 'askOperator' },
  { onPollingDeadline: 'expire' },
  { onPollingDeadline: 'askOperator' },
  { retryFailedRecords: { maxRounds: 4 } },
  { retryFailedRecords: { maxRounds: 1 } },
  { polling: { deadline: 40 * HOUR } },
  { submission: { deadline: 3 * HOUR } },
  { onInvalidRecords: 'rejectBatch' },
);

/** What may happen to a batch. */
export const commands: fc.Arbitrary<Command>[] = [
  answers,
  answers,
  answers,
  timePasses,
  timePasses,
  timePasses,
  timePasses,
  fc
    .constantFrom<Duplicates>('withBatchId', 'withoutBatchId', 'acceptedAgain')
    .map((it) => new Duplicated(it)),
  fc.constantFrom(0, 10 * MINUTE, 20 * HOUR).map((ms) => new Processes(ms)),
  death.map((it) => new WorkerDies(it)),
  fc.constantFrom(HOUR, 100 * HOUR, undefined).map((by) => new ExtendDeadline(by)),
  policyChange.map((it) => new UpdatePolicy(it)),
  fc.constant(new PollNow()),
  fc.constant(new Cancel()),
  fc
    .constantFrom('enroll' as const, 'deleteCard' as const, 'deleteProfile' as const)
    .map((op) => new CancelDuring(op)),
  restart,
  restart,
  fc.constantFrom<Answered>('right', 'right', 'foreign', 'unknown', 'abandon').map((it) => new Resolve(it)),
  fc.constantFrom('retry' as const, 'retry' as const, 'abandon' as const).map((it) => new Decide(it)),
];
