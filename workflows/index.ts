/** The bundle's entry: what a worker can run. */
export { batchEnrollment } from './batch/batch-enrollment.js';
export { bulkEnrollment } from './bulk/bulk-enrollment.js';
export { sweepStore } from './sweep.js';
export type { BulkEnrollmentInput, BulkProgress } from './bulk/messages.js';
export type { BatchEnrollmentInput, BatchProgress, InlineEnrollmentInput } from './batch/messages.js';
