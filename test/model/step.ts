import type fc from 'fast-check';
import { expect } from 'vitest';
import { ChangeRefusedError, ResolutionRefusedError } from '../../client/errors.js';
import type { BatchRun, Standing } from './batch-run.js';
import type { Model } from './model.js';
import type { WireEvent } from './watched-run.js';

export type Command = fc.AsyncCommand<Model, BatchRun>;

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
  expect(standing.question, 'what an operator is asked').toBe(model.question);
  return standing;
}

/** One thing that happens to a batch, or that will. */
export abstract class Step implements Command {
  abstract check(model: Readonly<Model>): boolean;
  /** @returns what is to be held against what is seen then. */
  protected abstract act(model: Model, run: BatchRun): Promise<((seen: Standing) => void) | void> | void;
  abstract toString(): string;

  async run(model: Model, run: BatchRun): Promise<void> {
    run.met(`command ${this.constructor.name}`);
    const then = await this.act(model, run);
    await compare(model, run, then ?? undefined);
  }
}

/** What became of a message to a batch. */
export async function verdictOf(request: Promise<unknown>): Promise<'taken' | 'refused'> {
  try {
    await request;
    return 'taken';
  } catch (error) {
    if (error instanceof ResolutionRefusedError || error instanceof ChangeRefusedError) return 'refused';
    throw error;
  }
}

/** Whether Mastercard was asked how far the batch is, or would have been if the worker had lived. */
export function isPoll(event: WireEvent): boolean {
  return event.op === 'status' || (event.op === 'death' && event.activityType === 'fetchBatchStatus');
}

/** Whether the batch was offered to Mastercard, or would have been if the worker had lived. */
export function isOffer(event: WireEvent): boolean {
  return event.op === 'enroll' || (event.op === 'death' && event.activityType === 'submitBatch');
}
