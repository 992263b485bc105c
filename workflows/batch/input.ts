import type { BatchResult } from '../../enrollment/batch.js';
import type { BatchEnrollmentInput, InlineEnrollmentInput, TakeBackInput } from './messages.js';
import type { BatchState } from './state.js';

/** From one run of a batch to the next. */
export interface ContinuedBatch {
  continues: BatchState;
}

export type BatchInput = BatchEnrollmentInput | InlineEnrollmentInput | TakeBackInput | ContinuedBatch;

export type BatchWorkflow = (input: BatchInput) => Promise<BatchResult>;
