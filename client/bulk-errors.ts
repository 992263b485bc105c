import type { BulkKey } from '../enrollment/bulk.js';
import { howItEnded } from '../retention/execution.js';
import { EnrollmentError } from './errors.js';

/** The job cannot be started as it is: an unusable id, limits that no job can have, or a source that workers cannot reach. */
export class BulkInvalidError extends EnrollmentError {
  override readonly name = 'BulkInvalidError';
  readonly code = 'BULK_INVALID';
}

/** The same bulkId was used for another source, or for the same one to be enrolled in another way. */
export class BulkConflictError extends EnrollmentError {
  override readonly name = 'BulkConflictError';
  readonly code = 'BULK_CONFLICT';
  constructor({ program, bulkId }: BulkKey) {
    super(
      `bulk job '${bulkId}' of program '${program}' exists with another source, policy or onCancel; ` +
        `start this one under an id of its own`,
    );
  }
}

export class BulkNotFoundError extends EnrollmentError {
  override readonly name = 'BulkNotFoundError';
  readonly code = 'BULK_NOT_FOUND';
  constructor(bulkId: string, programs: readonly string[]) {
    super(`no bulk job '${bulkId}' in ${programs.map((program) => `'${program}'`).join(', ')}`);
  }
}

export class BulkAmbiguousError extends EnrollmentError {
  override readonly name = 'BulkAmbiguousError';
  readonly code = 'BULK_AMBIGUOUS';
  constructor(bulkId: string, programs: readonly string[]) {
    super(`bulk job '${bulkId}' exists in the programs ${programs.join(', ')}; name one of them`);
  }
}

/** The job's workflow was terminated directly in Temporal. The batches that it started go on. */
export class BulkTerminatedError extends EnrollmentError {
  override readonly name = 'BulkTerminatedError';
  readonly code = 'BULK_TERMINATED';
  constructor({ program, bulkId }: BulkKey, how: string) {
    super(
      `the workflow of bulk job '${bulkId}' of program '${program}' ${howItEnded(how)}. ` +
        `It starts no further batch; batches that it started go on. To see their outcomes, run c2p bulk report ${bulkId}`,
    );
  }
}
