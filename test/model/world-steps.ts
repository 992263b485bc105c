import { expect } from 'vitest';
import type { Operation } from '../../simulator/index.js';
import type { Answer } from './answers.js';
import type { BatchRun, Standing } from './batch-run.js';
import type { Model } from './model.js';
import type { Death, Duplicates } from './scenario.js';
import { isPoll, Step, verdictOf } from './step.js';

export class Answers extends Step {
  constructor(
    private readonly op: Operation,
    private readonly answer: Answer,
    private readonly times: number,
  ) {
    super();
  }
  check = ({ isOpen }: Readonly<Model>) => isOpen;
  act(_model: Model, run: BatchRun): void {
    run.troubles.willAnswer(this.op, ...Array<Answer>(this.times).fill(this.answer));
  }
  toString = () => `${this.op} will be answered ${this.answer.name} × ${this.times}`;
}

export class Duplicated extends Step {
  constructor(private readonly duplicates: Duplicates) {
    super();
  }
  check = ({ isOpen }: Readonly<Model>) => isOpen;
  act(_model: Model, run: BatchRun): void {
    run.configure({ duplicates: this.duplicates });
  }
  toString = () => `duplicates ${this.duplicates}`;
}

export class Processes extends Step {
  constructor(private readonly processingMs: number) {
    super();
  }
  check = ({ isOpen }: Readonly<Model>) => isOpen;
  act(_model: Model, run: BatchRun): void {
    run.configure({ processingMs: this.processingMs });
  }
  toString = () => `a batch takes ${this.processingMs / 60_000} min`;
}

export class WorkerDies extends Step {
  constructor(private readonly death: Death) {
    super();
  }
  check = ({ isOpen }: Readonly<Model>) => isOpen;
  act(_model: Model, run: BatchRun): void {
    run.troubles.willDie(this.death);
  }
  toString = () => `the worker will die ${this.death.when} ${this.death.activity}`;
}

export class TimePasses extends Step {
  constructor(private readonly ms: number) {
    super();
  }
  check = ({ isOpen }: Readonly<Model>) => isOpen;
  async act(_model: Model, run: BatchRun): Promise<void> {
    await run.sleep(this.ms);
  }
  toString = () => `${(this.ms / 60_000).toFixed(1)} min pass`;
}

export class PollNow extends Step {
  check = ({ isOpen, retrying }: Readonly<Model>) => isOpen && retrying.length === 0;
  async act(model: Model, run: BatchRun) {
    const expected = model.isPolled ? 'taken' : 'refused';
    const verdict = await verdictOf(run.batch.pollNow());
    run.met(`poll now: ${verdict}`);
    expect(verdict, 'whether there is something to poll').toBe(expected);
    return ({ events }: Standing) => {
      if (expected === 'taken') expect(events.some(isPoll), 'a poll at once').toBe(true);
    };
  }
  toString = () => 'poll now';
}

/** While an activity is under way, the test server can hang over its cancellation. */
export class Cancel extends Step {
  check = ({ isOpen, retrying }: Readonly<Model>) => isOpen && retrying.length === 0;
  async act(model: Model, run: BatchRun): Promise<void> {
    model.cancels();
    await run.batch.cancel();
  }
  toString = () => 'cancel';
}

/** Only calls that a cancellation does not interrupt. */
export class CancelDuring extends Step {
  constructor(private readonly op: 'enroll' | 'deleteCard' | 'deleteProfile') {
    super();
  }
  check = ({ isOpen, how }: Readonly<Model>) => isOpen && !how.handsOver;
  act(_model: Model, run: BatchRun): void {
    run.troubles.willCancelDuring(this.op);
  }
  toString = () => `cancel during the next ${this.op}`;
}

export class Restart extends Step {
  check = ({ isOpen, how }: Readonly<Model>) => isOpen && !how.cached;
  async act(_model: Model, run: BatchRun): Promise<void> {
    await run.world.restartWorkers();
  }
  toString = () => 'the workers are restarted';
}
