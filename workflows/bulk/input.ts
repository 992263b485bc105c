import type { BulkResult } from '../../enrollment/bulk.js';
import type { BulkEnrollmentInput } from './messages.js';
import type { Continued } from '../waiting.js';
import type { BulkState } from './state.js';

export type JobInput = BulkEnrollmentInput | Continued<BulkState>;

export type BulkWorkflow = (input: JobInput) => Promise<BulkResult>;
