import type { BulkResult } from '../../enrollment/bulk.js';
import type { BulkEnrollmentInput } from './messages.js';
import type { BulkState } from './state.js';

/** From one run of a job to the next. */
export interface ContinuedJob {
  continues: BulkState;
}

export type JobInput = BulkEnrollmentInput | ContinuedJob;

export type BulkWorkflow = (input: JobInput) => Promise<BulkResult>;
