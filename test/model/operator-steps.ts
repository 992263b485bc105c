import { expect } from 'vitest';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import type { PolicyOverrides } from '../../enrollment/policy.js';
import type { BatchRun, Standing } from './batch-run.js';
import type { Model } from './model.js';
import { isOffer, isPoll, Step, verdictOf } from './step.js';

export class ExtendDeadline extends Step {
  /** @param by from now, ms; nothing: the batch is given up. */
  constructor(
    private readonly by: number | undefined,
    private readonly unasked: boolean,
  ) {
    super();
  }
  check = ({ isOpen, retrying, question }: Readonly<Model>) =>
    isOpen && retrying.length === 0 && (this.unasked || question === 'moreTime');
  act(model: Model, run: BatchRun) {
    return extend(model, run, this.by);
  }
  toString = () =>
    `extend the deadline: ${this.by === undefined ? 'abandon' : `${this.by / 3_600_000} h from now`}`;
}

export class UpdatePolicy extends Step {
  constructor(private readonly change: PolicyOverrides) {
    super();
  }
  check = ({ isOpen, retrying }: Readonly<Model>) => isOpen && retrying.length === 0;
  async act(model: Model, run: BatchRun) {
    const { stage, cancelled } = model;
    const mayChange = !cancelled && stage !== 'removing' && stage !== 'deciding';
    const expected = mayChange && this.change.onInvalidRecords === undefined ? 'taken' : 'refused';
    // As the workflow has it when it goes on.
    if (expected === 'taken') model.changes(this.change);
    const verdict = await verdictOf(run.batch.updatePolicy(this.change));
    run.met(`change of policy: ${verdict}`);
    expect(verdict, this.toString()).toBe(expected);
    return ({ events }: Standing) => {
      if (expected === 'taken' && stage === 'processing')
        expect(events.some(isPoll), 'it is polled at once').toBe(true);
    };
  }
  toString = () => `change of policy: ${JSON.stringify(this.change)}`;
}

export type Answered = 'right' | 'foreign' | 'unknown' | 'resend' | 'abandon';

export class Resolve extends Step {
  constructor(
    private readonly answered: Answered,
    private readonly unasked: boolean,
  ) {
    super();
  }
  check = ({ isOpen, retrying, stage }: Readonly<Model>) =>
    isOpen && retrying.length === 0 && (this.unasked || stage === 'asking');
  act(model: Model, run: BatchRun) {
    return resolve(model, run, this.answered);
  }
  toString = () => `resolve: ${this.answered}`;
}

export class Decide extends Step {
  constructor(
    private readonly decision: 'retry' | 'abandon',
    private readonly unasked: boolean,
  ) {
    super();
  }
  check = ({ isOpen, retrying, stage }: Readonly<Model>) =>
    isOpen && retrying.length === 0 && (this.unasked || stage === 'deciding');
  act(model: Model, run: BatchRun) {
    return decide(model, run, this.decision);
  }
  toString = () => `decide about the rollback: ${this.decision}`;
}

/** Answers for the operator who is asked for a batchId, or who is not asked and must get a refusal. */
export async function resolve(model: Model, run: BatchRun, answered: Answered) {
  const asked = model.stage === 'asking';
  const ours = batchEnroll.batch.roundId(run.externalBatchId, model.round);
  const batchId = batchIdFor(model, run, answered);
  const resends = answered === 'resend';
  if (asked && resends) model.isSentAgain();
  else if (asked && batchId === undefined) model.isAbandoned();
  const other = resends ? ({ resend: true } as const) : ({ abandon: true } as const);
  const request = verdictOf(run.batch.resolve(batchId === undefined ? other : { batchId }));
  await run.letTimePassUntil(request);
  const verdict = await request;
  run.met(`resolve ${asked ? answered : 'unasked'}: ${verdict}`);
  return ({ events }: Standing): void => {
    if (!asked) return expect(verdict, 'an answer that nobody asked for').toBe('refused');
    if (resends) expect(events.some(isOffer), 'it is sent again at once').toBe(true);
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
  const ours = batchEnroll.batch.roundId(run.externalBatchId, model.round);
  const all = run.world.simulator.accepted();
  switch (answered) {
    case 'resend':
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
  const asked = model.stage === 'late';
  const until = new Date((await run.world.rig.env.currentTimeMs()) + (by ?? 0));
  const isLater = until.getTime() - model.deadline;
  const polled = model.isPolled;
  if (by === undefined && asked) model.deadlineIsAbandoned();
  if (by !== undefined && polled && isLater > 0) model.isExtended(until.getTime());
  const verdict = await verdictOf(run.batch.extendDeadline(by === undefined ? { abandon: true } : { until }));
  run.met(`extend${asked ? '' : ' unasked'}${by === undefined ? ', abandon' : ''}: ${verdict}`);
  const expected = by === undefined ? asked : polled && isLater > 0;
  expect(verdict, 'whether a new deadline is taken').toBe(expected ? 'taken' : 'refused');
}
