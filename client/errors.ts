import { temporalUnreachable } from '../config/errors.js';
import type { BatchKey } from '../enrollment/batch.js';
import type { BulkKey } from '../enrollment/bulk.js';
import { maskPersonal } from '../protection/mask.js';
import { howItEnded } from '../retention/execution.js';

export type EnrollmentErrorCode =
  | 'BATCH_INVALID'
  | 'BATCH_CONFLICT'
  | 'BATCH_NOT_FOUND'
  | 'BATCH_AMBIGUOUS'
  | 'BATCH_TERMINATED'
  | 'BULK_AMBIGUOUS'
  | 'BULK_CONFLICT'
  | 'BULK_INVALID'
  | 'BULK_NOT_FOUND'
  | 'BULK_TERMINATED'
  | 'RESOLUTION_REFUSED'
  | 'CHANGE_REFUSED'
  | 'CODEC_MISSING'
  | 'RECORD_UNREADABLE'
  | 'PROGRAM_UNKNOWN'
  | 'TEMPORAL_UNAVAILABLE';

/** What an error may be about. */
export type Subject = BatchKey | BulkKey;

/** Every error that the client raises itself; `code` is stable. */
export abstract class EnrollmentError extends Error {
  abstract readonly code: EnrollmentErrorCode;
}

/** The batch cannot be started as it is: no records, too many cards, an unusable id. */
export class BatchInvalidError extends EnrollmentError {
  override readonly name = 'BatchInvalidError';
  readonly code = 'BATCH_INVALID';
}

/** The same externalBatchId was used for other records: one of the two is a mistake. */
export class BatchConflictError extends EnrollmentError {
  override readonly name = 'BatchConflictError';
  readonly code = 'BATCH_CONFLICT';
  constructor({ program, externalBatchId }: BatchKey) {
    super(
      `batch '${externalBatchId}' of program '${program}' exists with other records; ` +
        `send these records under an externalBatchId of their own`,
    );
  }
}

export class BatchNotFoundError extends EnrollmentError {
  override readonly name = 'BatchNotFoundError';
  readonly code = 'BATCH_NOT_FOUND';
  constructor(externalBatchId: string, programs: readonly string[]) {
    super(`no batch '${externalBatchId}' in ${programs.map((program) => `'${program}'`).join(', ')}`);
  }
}

export class BatchAmbiguousError extends EnrollmentError {
  override readonly name = 'BatchAmbiguousError';
  readonly code = 'BATCH_AMBIGUOUS';
  constructor(externalBatchId: string, programs: readonly string[]) {
    super(`batch '${externalBatchId}' exists in the programs ${programs.join(', ')}; name one of them`);
  }
}

/** The workflow was terminated directly in Temporal, and nobody has closed the batch in its place yet. */
export class BatchTerminatedError extends EnrollmentError {
  override readonly name = 'BatchTerminatedError';
  readonly code = 'BATCH_TERMINATED';
  constructor({ program, externalBatchId }: BatchKey, how: string) {
    super(
      `the workflow of batch '${externalBatchId}' of program '${program}' ${howItEnded(how)}; ` +
        `take it back with temporal workflow reset, or it is closed as FAILED after the grace time (sweep.grace)`,
    );
  }
}

/**
 * The store remembers how the batch or bulk job closed, but that record cannot be read: it was altered, or the key
 * that it is sealed under is not there. The message says what to do; `progress()` says what Temporal still knows.
 */
export class RecordUnreadableError extends EnrollmentError {
  override readonly name = 'RecordUnreadableError';
  readonly code = 'RECORD_UNREADABLE';
  constructor(
    subject: Subject,
    /** Which blob, why it cannot be read, and what to do. */
    readonly problem: string,
  ) {
    super(`${nameOf(subject)} is closed, but how cannot be read: ${problem}`);
  }
}

/** What this client would send to Temporal could be read there, and it could not read what workers send. */
export class CodecMissingError extends EnrollmentError {
  override readonly name = 'CodecMissingError';
  readonly code = 'CODEC_MISSING';
  constructor() {
    super(
      'the Temporal client has no payload codec: make it with dataConverter: protectedDataConverter(keyRing, config)',
    );
  }
}

export class ProgramUnknownError extends EnrollmentError {
  override readonly name = 'ProgramUnknownError';
  readonly code = 'PROGRAM_UNKNOWN';
  constructor(program: string, known: readonly string[]) {
    super(`program '${maskPersonal(program)}' is not in the configuration; it has ${known.join(', ')}`);
  }
}

export class TemporalUnavailableError extends EnrollmentError {
  override readonly name = 'TemporalUnavailableError';
  readonly code = 'TEMPORAL_UNAVAILABLE';
  constructor(temporal: Parameters<typeof temporalUnreachable>[0], cause: unknown) {
    super(temporalUnreachable(temporal), { cause });
  }
}

/** What an operator answered was not believed, or nothing was asked. The batch is as it was. */
export class ResolutionRefusedError extends EnrollmentError {
  override readonly name = 'ResolutionRefusedError';
  readonly code = 'RESOLUTION_REFUSED';
  constructor(subject: Subject, why: string) {
    super(`${nameOf(subject)} was not resolved: ${why}`);
  }
}

/** A change to a running batch or bulk job was malformed, or came at the wrong time. It is as it was. */
export class ChangeRefusedError extends EnrollmentError {
  override readonly name = 'ChangeRefusedError';
  readonly code = 'CHANGE_REFUSED';
  constructor(subject: Subject, why: string) {
    super(`${nameOf(subject)} was not changed: ${why}`);
  }
}

/** What messages call it: `batch '2026-11-0001' of program 'demo'`. */
function nameOf(subject: Subject): string {
  const named = 'bulkId' in subject ? `bulk job '${subject.bulkId}'` : `batch '${subject.externalBatchId}'`;
  return `${named} of program '${subject.program}'`;
}
