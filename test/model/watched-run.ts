import type { FailureKind } from '../../mastercard/api/failures.js';
import type { Operation } from '../../simulator/index.js';
import type { Answer } from './answers.js';
import type { Rest } from './rest.js';
import type { Scenario } from './scenario.js';
import type { Troubles } from './troubles.js';

/** What came of a call to Mastercard, or what else a batch met, in the order in which it happened. */
export type WireEvent =
  | { op: 'enroll'; externalBatchId: string; sha256: string; result: Result<{ batchId: string }> }
  | {
      op: 'status';
      batchId: string;
      result: Result<{ externalBatchId: string; batchStatus: string }>;
    }
  | { op: 'deleteCard' | 'deleteProfile'; id: string; result: Result<{ removal: string }> }
  | { op: 'death'; activityType: string }
  | { op: 'cancel' };

/** When an event happened, by Temporal's clock in milliseconds since the epoch, and in which activity. */
export type Timed<Event> = Event & { at: number; activity: string };

export type Result<Success> =
  | ({ kind: 'ok' } & Success)
  | {
      kind: FailureKind;
      reason?: string | undefined;
      batchId?: string | undefined;
      retryAfterMs?: number | undefined;
    };

/** A batch that is under way, as those see it who carry out its calls and activities. */
export interface WatchedRun {
  readonly workflowId: string;
  readonly scenario: Scenario;
  readonly rest: Rest;
  readonly troubles: Troubles;
  /** By the simulator's clock. */
  readonly now: number;
  /** Takes the time from Temporal, for what happens next. */
  tick(): Promise<void>;
  saw(event: WireEvent): void;
  isOffered(externalBatchId: string): void;
  /** Just before a call to Mastercard. */
  beforeCall(op: Operation): Promise<void>;
  wasAnswered(op: Operation, answer: Answer | undefined, kind: string): void;
}
