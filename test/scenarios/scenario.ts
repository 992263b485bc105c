import type { ClosedStatus } from '../../enrollment/batch.js';
import type { ClosedBulkStatus } from '../../enrollment/bulk.js';
import type { FailureType } from '../../enrollment/errors.js';
import type { Rig } from '../support/rig.js';

/** A way that a batch, a job or a sweep can go in skipped time, from its start to its end. */
export type Scenario = {
  /** What happens, as in the name of the files with its histories. */
  name: string;
  /** Whether it is handed over to a new run wherever it waits. */
  isHandedOver: boolean;
  /** Whether it takes place on a real server, in real time: see `createRealTimeEnv`. */
  inRealTime: boolean;
  /** Has it happen, with workers of its own, and tells what it came to. */
  play: (rig: Rig) => Promise<Played>;
} & (
  | { of: 'batch'; ends: ClosedStatus; failure: FailureType | undefined }
  | { of: 'job'; ends: ClosedBulkStatus; failure: FailureType | undefined }
  | { of: 'sweep'; ends: 'CLOSED' | 'NOTHING'; failure: undefined }
);

export interface Played {
  ends: Scenario['ends'];
  failure: FailureType | undefined;
  /** The workflows whose histories tell of it, by the name of the file, which begins with the scenario's. */
  workflows: Record<string, string>;
}

/** Who answers in a scenario, as the histories name them. */
export const BY = { by: 'an operator', reason: 'a scenario' } as const;

/** Lets time pass until something is so; in real time it does so by itself. */
export async function passingUntil(
  { env }: Rig,
  isSo: () => boolean | Promise<boolean>,
  step: '1s' | '30s' | '1h' = '30s',
): Promise<void> {
  while (!(await isSo())) await env.sleep(env.supportsTimeSkipping ? step : '50ms');
}
