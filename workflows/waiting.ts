import { refusalIn } from '../protection/refused-payload.js';
import { inputRefused } from './failures.js';
import { onRefusal } from './refusals.js';
import { isIn, type InStage, type Staged, type StageNameOf } from './staged.js';
import { allHandlersFinished, condition, makeContinueAsNewFunc, workflowInfo } from '@temporalio/workflow';

/** What a workflow waits for, as a function of its state tells it: for an instant, for a change of the state, or for both. */
export type Wait =
  | { over: true }
  | {
      over: false;
      /** Milliseconds since the epoch; null waits for a change of the state alone. */
      until: number | null;
      /** What the Web UI shows beside the timer. */
      summary: string;
    };

export const OVER: Wait = { over: true };

/** Whether what is waited for has come. */
export function isOver(wait: Wait): boolean {
  return wait.over || (wait.until !== null && wait.until <= Date.now());
}

/** A wait that only a change of the state ends, for instance an operator's answer. */
export function waitForChange(isOver: boolean): Wait {
  return isOver ? OVER : { over: false, until: null, summary: '' };
}

/** Temporal warns at 10,240 events and ends a workflow at 51,200. */
const LONG_HISTORY_EVENTS = 8_000;
/**
 * The first wait of a further run has a timer, also where it waits for a change alone. The SDK takes a workflow task
 * without a command for none: a worker without the workflow in its cache then applies the next update before the
 * workflow waits, and the history replays in another order than it was written.
 */
const NO_INSTANT_MS = 365 * 24 * 3_600_000;
/** So many events a run may grow by while it waits, so that a low limit does not make each event a new run. */
const ROOM_TO_WAIT = 50;

/** What a run hands over to the next. */
export interface Continued<State> {
  continues: State;
  /** The run that hands over. */
  from: string;
}

/**
 * The state that a run goes on with; nothing for one that begins anew.
 * @throws ApplicationFailure of type InputRefused where another run handed over than the one that this continues: who can
 *   write to Temporal may start a run with what an earlier one handed over.
 */
export function continuedState<State>(input: Continued<State> | object): State | undefined {
  if (typeof input !== 'object' || input === null || !('continues' in input)) return undefined;
  const { continuedFromExecutionRunId } = workflowInfo();
  if (continuedFromExecutionRunId !== undefined && input.from === continuedFromExecutionRunId)
    return input.continues;
  throw inputRefused('the input was handed over by a run that this one does not continue');
}

/**
 * A workflow that runs: its state, and the only place where it waits and where it hands over to a new run. The
 * state is the new run's argument, so a workflow goes on from any wait as if nothing had happened.
 */
export class Running<State extends Staged> {
  /** How many events a run has when it begins, and when it waits for the first time: no reason to hand over once more. */
  private newUpTo = workflowInfo().historyLength;
  private hasWaited = false;

  constructor(
    private current: State,
    private readonly options: {
      /** Shows a state to operators; often, since it costs nothing. */
      show: (state: State) => void;
      /** Shows a state to Temporal's search; where the workflow waits or ends, since each time is an event. */
      publish: (state: State) => void;
      /** How many events make a history long; tests lower it. */
      historyLimit: number | undefined;
    },
  ) {
    options.show(current);
    onRefusal(() => options.show(this.current));
  }

  get state(): State {
    return this.current;
  }

  /** The state, which must be in this stage: only the workflow's own steps move it on. */
  in<Name extends StageNameOf<State>>(name: Name): InStage<State, Name> {
    const { current } = this;
    if (isIn(current, name)) return current;
    throw new Error(`the workflow is ${current.stage.name}, not ${name}`);
  }

  become(state: State): void {
    if (state === this.current) return;
    this.current = state;
    this.options.show(state);
  }

  /**
   * Waits until what the state says is over, or its instant has come. A changed state may make that earlier or
   * later. A history that has grown long ends it too: then a new run goes on waiting.
   */
  async wait(of: (state: State) => Wait): Promise<void> {
    const isFirst = !this.hasWaited && workflowInfo().continuedFromExecutionRunId !== undefined;
    if (!this.hasWaited) this.hasBegun();
    this.hasWaited = true;
    for (;;) {
      const wait = of(this.current);
      if (wait.over || isOver(wait)) return;
      this.publish();
      await this.handOverWhenLong();
      const hasChanged = (): boolean => {
        const now = of(this.current);
        return this.mustHandOver || now.over || now.until !== wait.until;
      };
      if (wait.until === null && !isFirst) await condition(hasChanged);
      else {
        const ms = wait.until === null ? NO_INSTANT_MS : Math.max(1, wait.until - Date.now());
        await condition(hasChanged, ms, { summary: wait.summary });
      }
    }
  }

  /** Waits as long as the state is in this stage and its wait is not over. */
  async waitIn<Name extends StageNameOf<State>>(
    name: Name,
    of: (state: InStage<State, Name>) => Wait,
  ): Promise<void> {
    await this.wait((state) => (isIn(state, name) ? of(state) : OVER));
  }

  /** Call it where a run did something to begin with: that is no reason to hand over once more. */
  hasBegun(): void {
    this.newUpTo = workflowInfo().historyLength;
  }

  /** Hands over to a new run when the history is long. Call it only where the state says all that is under way. */
  async handOverWhenLong(): Promise<void> {
    if (!this.isLong) return;
    await condition(allHandlersFinished);
    // Left out, it would be the memo that this run was started with.
    const { memo, runId } = workflowInfo();
    const next: Continued<State> = { continues: this.current, from: runId };
    await makeContinueAsNewFunc<(input: Continued<State>) => Promise<unknown>>({ memo: readable(memo) })(
      next,
    );
  }

  publish(): void {
    this.options.publish(this.current);
  }

  /** Whether the state says all that is under way. */
  protected get mayHandOver(): boolean {
    return true;
  }

  /** Whether a wait that is on is to be handed over. */
  private get mustHandOver(): boolean {
    const { historyLength } = workflowInfo();
    return this.isLong && historyLength > this.newUpTo + ROOM_TO_WAIT;
  }

  private get isLong(): boolean {
    return this.mayHandOver && this.hasLongHistory;
  }

  protected get hasLongHistory(): boolean {
    const { historyLength, continueAsNewSuggested, continuedFromExecutionRunId } = workflowInfo();
    const isNew = continuedFromExecutionRunId !== undefined && historyLength <= this.newUpTo;
    if (isNew) return false;
    return continueAsNewSuggested || historyLength >= (this.options.historyLimit ?? LONG_HISTORY_EVENTS);
  }
}

/** What nobody with the key ring wrote goes no further. */
function readable(memo: Record<string, unknown> | undefined): Record<string, unknown> | undefined {
  return (
    memo && Object.fromEntries(Object.entries(memo).filter(([, value]) => refusalIn(value) === undefined))
  );
}
