import { CommanderError } from 'commander';
import type { EnrollmentErrorCode } from '../client/errors.js';
import type { ConfigError } from '../config/errors.js';
import type { SourceChangedError, SourceErrorCode } from '../bulk/source-error.js';
import type { BatchStatus } from '../enrollment/batch.js';
import type { BulkStatus } from '../enrollment/bulk.js';
import type { PolicyError } from '../enrollment/policy-schema.js';
import type { KeyErrorCode } from '../mastercard/key-material.js';
import type { WeakSecretError } from '../protection/codec-server/access-tokens.js';
import type { KeyRingError } from '../protection/key-ring-json.js';
import type { DigestError } from '../protection/key-ring.js';
import type { PayloadCodecError } from '../protection/payload-codec.js';
import type { ProxyUrlError } from '../protection/proxy.js';
import type { KeyNeededError } from '../retention/key-usage.js';
import type { SimulatorOptionsError } from '../simulator/index.js';
import type { KeyRingProbeError } from '../store/key-ring-probe.js';
import type { StoreUrlError } from '../store/store-url-error.js';
import type { StoreOutdatedError } from '../store/store.js';
import type { RerunRefusedError } from './bulk/rerun.js';
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
  /** By Ctrl-C, as shells count it: 128 and the signal's number. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** The exit code that says how a batch or a bulk job ended; an open one is no failure. */
export function exitCodeOf(status: BatchStatus | BulkStatus): ExitCode {
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
    case 'ENROLLING':
    case 'PAUSED':
    case 'FINISHING':
      return ExitCode.ok;
  }
}

/** What most needs an operator comes first: unknown outcomes, then failed and cancelled batches. */
const WORST_FIRST = [
  ExitCode.unexpected,
  ExitCode.batchFailed,
  ExitCode.cancelled,
  ExitCode.completedWithErrors,
] as const;

/** The one exit code of several batches: of the one that ended worst. */
export function worstOf(codes: readonly ExitCode[]): ExitCode {
  return WORST_FIRST.find((code) => codes.includes(code)) ?? ExitCode.ok;
}

type OwnErrorCode =
  | EnrollmentErrorCode
  | KeyErrorCode
  | SourceErrorCode
  | (
      | ConfigError
      | DigestError
      | KeyNeededError
      | KeyRingError
      | KeyRingProbeError
      | PayloadCodecError
      | PolicyError
      | ProxyUrlError
      | RerunRefusedError
      | SimulatorOptionsError
      | SourceChangedError
      | StoreOutdatedError
      | StoreUrlError
      | WeakSecretError
    )['code'];

/**
 * Whether the caller can put it right. By code and not by class, so that a command need not load the
 * modules of errors that it cannot raise.
 */
const CALLERS_MISTAKE: Record<OwnErrorCode, boolean> = {
  BATCH_AMBIGUOUS: true,
  BATCH_CONFLICT: true,
  BATCH_INVALID: true,
  BATCH_NOT_FOUND: true,
  BATCH_TERMINATED: false,
  BULK_AMBIGUOUS: true,
  BULK_CONFLICT: true,
  BULK_INVALID: true,
  BULK_NOT_FOUND: true,
  BULK_TERMINATED: false,
  CHANGE_REFUSED: true,
  CODEC_MISSING: false,
  CONFIGURATION_INVALID: true,
  CSV_COLUMN_MISSING: true,
  CSV_COLUMN_REPEATED: true,
  CSV_COLUMN_UNKNOWN: true,
  CSV_HEADER_MISSING: true,
  DIGEST_UNREADABLE: true,
  FORMAT_UNKNOWN: true,
  GZIP_DAMAGED: true,
  GZIP_TOO_LARGE: true,
  KEY_ALIAS_UNKNOWN: true,
  KEY_FILE_UNREADABLE: true,
  KEY_FORMAT_UNKNOWN: true,
  KEY_ID_UNKNOWN: true,
  KEY_NEEDED: true,
  KEY_PASSWORD_MISSING: true,
  KEY_PASSWORD_WRONG: true,
  KEY_RING_INVALID: true,
  KEY_RING_PROBE_FAILED: true,
  KEY_SET_UNAVAILABLE: false,
  KEY_UNSUITABLE: true,
  PAYLOAD_UNREADABLE: true,
  POLICY_INVALID: true,
  PROGRAM_UNKNOWN: true,
  PROXY_URL_INVALID: true,
  RECORD_UNREADABLE: false,
  RERUN_REFUSED: true,
  RESOLUTION_REFUSED: true,
  SECRET_TOO_SHORT: true,
  SIMULATOR_OPTIONS_INVALID: true,
  SOURCE_CHANGED: true,
  SOURCE_NOT_ALLOWED: true,
  SOURCE_REDIRECTED: true,
  SOURCE_UNAVAILABLE: false,
  SOURCE_UNREADABLE: true,
  SOURCE_URL_REFUSED: true,
  SOURCE_WITHOUT_RANGES: true,
  SOURCE_WITHOUT_VERSION: true,
  STORE_OUTDATED: true,
  STORE_URL_INVALID: true,
  TEMPORAL_UNAVAILABLE: false,
};

export function exitCodeOfError(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  if (error instanceof InputError) return ExitCode.usage;
  const { code } = (error ?? {}) as { code?: unknown };
  const known = typeof code === 'string' && Object.hasOwn(CALLERS_MISTAKE, code);
  return known && CALLERS_MISTAKE[code as OwnErrorCode] ? ExitCode.usage : ExitCode.unexpected;
}
