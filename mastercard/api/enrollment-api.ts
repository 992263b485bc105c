import type { RemovalReason } from '../../enrollment/policy.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import type { RecordRules, TextRule } from '../../enrollment/record-rules.js';
import type { Assumption, AssumptionName } from './assumptions.js';
import type { AnsweredCall, ErrorAnswer, FailureKind } from './failures.js';

/**
 * Everything that c2p believes about Mastercard's API: paths, names, statuses, reasons, limits. c2p signs, sends, masks
 * and decides; what stands on the wire is here alone. `batch-enroll.ts` is the built-in one. A program can name a file
 * of the issuer's own, whose default export is another (`api` in the configuration, docs/api-module.md).
 *
 * Functions get what is to be sent, or JSON as Mastercard sent it, of which nothing is certain. They are pure and
 * quick. A reader returns undefined for what it cannot read; one that throws is taken to have returned that.
 */
export interface EnrollmentApi {
  /** For operators: 1 to 60 printable characters. */
  readonly name: string;
  /** What the configuration of a program may say. */
  readonly program: { srcClientId: TextRule; serviceId: TextRule };
  /** What a record may be. */
  readonly records: RecordRules;
  readonly batch: BatchRules;
  readonly enrollmentData: EnrollmentDataRules;
  readonly enroll: EnrollCall;
  readonly status: StatusCall;
  readonly removal: RemovalCalls;
  readonly errors: ErrorRules;
  readonly headers: HeaderRules;
  /** What `c2p conformance` reports on, and how sure each of it is. */
  readonly assumptions: Readonly<Record<AssumptionName, Assumption>>;
}

export interface BatchRules {
  /** Of what is sent, the ids of further rounds included. */
  readonly externalBatchId: TextRule;
  /** What Mastercard can have given: never a path of its own (`.` and `..`). */
  readonly batchId: TextRule;
  /** The id that a round is sent under: of round 1 the batch's own. */
  readonly roundId: (externalBatchId: string, round: number) => string;
  /** Cards in one request; the default of `maxCardsPerBatch`. */
  readonly maxCards: number;
}

export interface EnrollmentDataRules {
  /** The plaintext that is encrypted: an object for `JSON.stringify`. */
  readonly plaintext: (records: readonly EnrollmentRecord[]) => object;
  /** The default of `contentEncryption`. */
  readonly contentEncryption: 'A128GCM' | 'A256GCM';
}

/** Who calls, and the id under which Mastercard logs the call. */
export interface Caller {
  srcClientId: string;
  serviceId: string;
  /** A UUID. */
  correlationId: string;
}

/** A request, still without the headers that every call has. */
export interface ApiRequest {
  method: 'GET' | 'POST' | 'DELETE';
  /** Below the program's `baseUrl`, percent-encoded: `/cards/batch`. */
  path: string;
  query?: Readonly<Record<string, string>>;
  /** For `JSON.stringify`. */
  body?: object;
}

export interface EnrollCall {
  /** @param order.enrollmentData the encrypted records: a compact JWE. */
  readonly request: (
    caller: Caller,
    order: { externalBatchId: string; enrollmentData: string },
  ) => ApiRequest;
  /** The HTTP status of an accepted batch. */
  readonly acceptedStatus: number;
  /** Reads the answer of an accepted batch. */
  readonly read: (body: unknown) => { batchId: string; externalBatchId?: string | undefined } | undefined;
}

/** What Mastercard's word for the state of a batch means. */
export type BatchState = 'inProgress' | 'completed' | 'completedWithErrors' | 'failed';

export interface StatusCall {
  readonly request: (caller: Caller, batchId: string) => ApiRequest;
  /** Reads the answer. Texts stay as Mastercard wrote them: c2p masks them. */
  readonly read: (body: unknown) => StatusAnswer | undefined;
  /** By Mastercard's word. A word that is not here means that the batch is not done. */
  readonly states: ReadonlyMap<string, BatchState>;
  /** By Mastercard's word. A word that is not here leaves it open whether the card is enrolled. */
  readonly results: ReadonlyMap<string, 'enrolled' | 'failed'>;
}

/** A status answer as Mastercard wrote it. */
export interface StatusAnswer {
  batchId: string;
  externalBatchId: string;
  batchStatus: string;
  records: CardAnswer[];
}

export interface CardAnswer {
  externalConsumerId: string;
  externalCardId: string;
  status: string;
  srcConsumerId?: string | undefined;
  srcDigitalCardId?: string | undefined;
  /** Why a card is not enrolled. */
  error?: ErrorAnswer | undefined;
}

export interface RemovalCalls {
  readonly card: (caller: Caller, removal: { srcDigitalCardId: string; reason: RemovalReason }) => ApiRequest;
  readonly profile: (caller: Caller, removal: { srcConsumerId: string }) => ApiRequest;
  /** Whether an answer of 200 to 299 says that it is done. */
  readonly isDone: (body: unknown) => boolean;
  /** Mastercard's ids of cards and consumers. */
  readonly srcId: TextRule;
  /** Whether a profile was not removed because it has cards. */
  readonly isInUse: (error: ErrorAnswer) => boolean;
}

export interface ErrorRules {
  /** Reads the body of an answer of 300 and above. */
  readonly read: (body: unknown) => ErrorAnswer | undefined;
  /** Every reason that Mastercard is known to give; c2p writes `OTHER` in the place of any other. */
  readonly reasons: ReadonlySet<string>;
  /** Reasons with which Mastercard asks for fewer calls, beside HTTP status 429. */
  readonly throttling: ReadonlySet<string>;
  /** Reasons of a declined card that may be gone when it is sent again. */
  readonly passing: ReadonlySet<string>;
  /** What is known after a call that was answered with 300 or above. Where that is open: `unknown`. */
  readonly kindOf: (call: AnsweredCall) => FailureKind;
}

export interface HeaderRules {
  /** Lower-case name of the header that identifies the site; sent back on the next call about the same batch. */
  readonly flowId: string;
  readonly flowIdRule: TextRule;
  /** Lower-case names of headers, any of which may have Mastercard's correlation id. */
  readonly correlationIds: readonly string[];
}
