import { ApplicationFailure, CompleteAsyncError, log } from '@temporalio/activity';
import { TemporalFailure } from '@temporalio/common';
import { refusalIn } from '../protection/refused-payload.js';
import { inputRefused } from './failures.js';

/** What a workflow calls an activity with. */
export interface Call<Input> {
  /** Names the call: of a run and an activity of it, and of no other. */
  call: string;
  input: Input;
}

/** What an activity reports: it names the call that it answers, so that no other report is taken for it. */
export interface Answer<Result> {
  call: string;
  result: Result;
}

type Activities = Record<string, (input: never) => Promise<unknown>>;

/** Activities as workers register them and workflows call them. */
export type Answering<All> = {
  [Name in keyof All]: All[Name] extends (input: infer Input) => Promise<infer Result>
    ? (call: Call<Input>) => Promise<Answer<Result>>
    : never;
};

/**
 * Makes each activity answer to the call that it was made with, also where it fails: who can write to Temporal and has
 * no key cannot name the call.
 */
export function answering<All extends Activities>(activities: All): Answering<All> {
  const entries = Object.entries(activities).map(([name, activity]) => [
    name,
    async (args: Call<never>): Promise<Answer<unknown>> => {
      const refusal = refusalIn(args);
      if (refusal !== undefined) throw notOurs(refusal);
      const { call, input } = args;
      try {
        return { call, result: await activity(input) };
      } catch (error) {
        throw failureOf(call, error);
      }
    },
  ]);
  return Object.fromEntries(entries) as Answering<All>;
}

function failureOf(call: string, error: unknown): unknown {
  const isCutShort =
    error instanceof CompleteAsyncError || (error instanceof Error && error.name === 'AbortError');
  if (isCutShort || (error instanceof TemporalFailure && !(error instanceof ApplicationFailure)))
    return error;
  return ApplicationFailure.fromError(error, { details: [call] });
}

/** Nothing is done: nobody with the key ring asked for it. */
function notOurs(refusal: string): ApplicationFailure {
  log.warn('refused an activity whose input was not written with the key ring', { refusal });
  return inputRefused(`its input was not written with the key ring (${refusal})`);
}
