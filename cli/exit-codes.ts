import { CommanderError } from 'commander';
import { EnrollmentError } from '../client/errors.js';
import { ConfigError } from '../config/errors.js';
import type { BatchStatus } from '../enrollment/batch.js';
import { KeyError } from '../mastercard/keys.js';
import { KeyRingError } from '../protection/key-ring.js';
import { PolicyError } from '../enrollment/policy-schema.js';
import { InputError } from './input/input-error.js';

export const ExitCode = {
  /** Every card is enrolled, or there was nothing to fail. */
  ok: 0,
  unexpected: 1,
  /** The command line, the configuration or the input is wrong. */
  usage: 2,
  completedWithErrors: 3,
  /** Rejected, failed or expired. */
  batchFailed: 4,
  /** Cancelled or rolled back. */
  cancelled: 5,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** The exit code that says how a batch ended; an open batch is no failure. */
export function exitCodeOf(status: BatchStatus): ExitCode {
  switch (status) {
    case 'COMPLETED_WITH_ERRORS':
      return ExitCode.completedWithErrors;
    case 'REJECTED':
    case 'FAILED':
    case 'EXPIRED':
      return ExitCode.batchFailed;
    case 'CANCELLED':
    case 'ROLLED_BACK':
      return ExitCode.cancelled;
    case 'COMPLETED':
    case 'VALIDATING':
    case 'ENCRYPTING':
    case 'SUBMITTING':
    case 'PROCESSING':
    case 'AWAITING_OPERATOR':
    case 'ROLLING_BACK':
      return ExitCode.ok;
  }
}

export function exitCodeOfError(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  if (error instanceof EnrollmentError) {
    const external = error.code === 'TEMPORAL_UNAVAILABLE' || error.code === 'BATCH_TERMINATED';
    return external ? ExitCode.unexpected : ExitCode.usage;
  }
  const ours = [ConfigError, KeyError, KeyRingError, InputError, PolicyError];
  return ours.some((type) => error instanceof type) ? ExitCode.usage : ExitCode.unexpected;
}
