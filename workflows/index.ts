import { setWorkflowOptions } from '@temporalio/workflow';
import { batchEnrollment } from './batch-enrollment.js';

/** The bundle's entry: what a worker can run. */
export { batchEnrollment };
export type { BatchEnrollmentInput, BatchProgress } from './messages.js';

// Where workers are versioned, a batch ends on the version that it began on.
setWorkflowOptions({ versioningBehavior: 'PINNED' }, batchEnrollment);
