/** How sure an assumption is: Mastercard states it; it is taken from a neighbouring Mastercard API; it is our proposal. */
export type Certainty = 'S' | 'N' | 'P';

/** One thing that an `EnrollmentApi` believes about Mastercard's API. */
export interface Assumption {
  sure: Certainty;
  /** One sentence, as a statement about Mastercard's API. */
  says: string;
  /** The member of the `EnrollmentApi` to change if it is wrong. */
  place: string;
  /** The fields that Mastercard names, as `source` of an error, when it is wrong. */
  fields?: RegExp | undefined;
  /** The reason with which it names them; any where it is absent. */
  reason?: string | undefined;
}

/** In the order in which `c2p conformance` reports on them. */
export const ASSUMPTION_NAMES = [
  'enrollPath',
  'enrollBody',
  'externalBatchId',
  'roundId',
  'maxCards',
  'contentEncryption',
  'nesting',
  'externalIds',
  'consumer',
  'locale',
  'card',
  'billingAddress',
  'acceptedStatus',
  'enrollAnswer',
  'batchId',
  'flowId',
  'correlationId',
  'statusPath',
  'statusQuery',
  'statusAnswer',
  'inProgress',
  'terminal',
  'cardIds',
  'succeeded',
  'failed',
  'srcIds',
  'declineReason',
  'unknownBatch',
  'duplicate',
  'duplicateBatchId',
  'invalidRequest',
  'errorShape',
  'reasons',
  'cardPath',
  'cardQuery',
  'removed',
  'absent',
  'profilePath',
  'profileQuery',
] as const;

export type AssumptionName = (typeof ASSUMPTION_NAMES)[number];
