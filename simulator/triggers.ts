import type { ServiceError } from './wire.js';

/** What the simulator does with one card. */
export type CardEffect =
  /** With Mastercard's ids, if they are given. */
  | { kind: 'succeed'; srcConsumerId?: string; srcDigitalCardId?: string }
  /** The card is answered `FAILED` with this error. */
  | { kind: 'fail'; error: ServiceError }
  /** As `fail`, and the consumer has a profile afterwards, which the answer names. */
  | { kind: 'failWithProfile'; error: ServiceError }
  /** `FAILED` the first time the card is offered, `SUCCESS` the second time, and so on in turn. */
  | { kind: 'failOnce'; error: ServiceError }
  /** The answer does not mention the card, and the card is not enrolled. */
  | { kind: 'omit' }
  /** The card succeeds and the answer mentions it twice. */
  | { kind: 'repeat' }
  /** The card succeeds and the answer also mentions it as failed. */
  | { kind: 'contradict'; error: ServiceError }
  /** The card succeeds and the answer mentions a card besides that nobody sent. */
  | { kind: 'addForeign' }
  /** The card is answered with a record status that is not in the contract, and is not enrolled. */
  | { kind: 'unknownStatus'; status: string };

/** What the simulator does with a whole batch. */
export type BatchEffect =
  /** The first status call is answered with a batch status that is not in the contract. */
  | { kind: 'unknownStatusFirst'; status: string }
  /** `IN_PROGRESS` for ever. */
  | { kind: 'neverTerminal' }
  /** `FAILED` without records; no card is enrolled. */
  | { kind: 'failed' }
  /** It gets this batchId. */
  | { kind: 'named'; batchId: string }
  /** It is not accepted. */
  | { kind: 'refused'; error: ServiceError };

/** What becomes of a card or a batch, by the issuer's id, before its trigger is looked for. */
export interface Effects {
  card?(externalCardId: string): CardEffect | undefined;
  batch?(externalBatchId: string): BatchEffect | undefined;
}

export interface CardTrigger {
  /** A card number: 16 digits that pass the Luhn check, the trigger's number before the check digit. */
  pan: string;
  effect: CardEffect;
  description: string;
}

export interface BatchTrigger {
  /** Any `externalBatchId` that contains this. */
  externalBatchIdContains: string;
  effect: BatchEffect;
  description: string;
}

function declined(detailReason: string, status = 400): ServiceError {
  return {
    status,
    reason: 'INVALID_STATE',
    message: 'The card cannot be enrolled',
    errordetail: [
      { reason: detailReason, source: 'Card', sourceType: 'BODY', message: 'The card cannot be enrolled' },
    ],
  };
}

/**
 * The values that make the simulator answer otherwise than with success. **They are this project's own
 * invention: Mastercard's sandbox does not know them.** Every card number that is not listed succeeds.
 *
 * Numbers 001 to 099 fail for good, 101 to 199 for a reason that may pass, 201 to 299 once only, and
 * 301 to 399 make the answer itself irregular. Errors vary in form as Mastercard's do: the reason is in
 * `errordetail`, in `details`, or at the top with `errordetail` null or absent.
 */
export const TRIGGERS = {
  cards: {
    INVALID_PAN: {
      pan: '5204740000000012',
      effect: { kind: 'fail', error: declined('INVALID_PAN') },
      description: 'fails for good: INVALID_PAN',
    },
    PAN_INELIGIBLE: {
      pan: '5204740000000020',
      effect: { kind: 'fail', error: declined('PAN_INELIGIBLE') },
      description: 'fails for good: PAN_INELIGIBLE',
    },
    TOKENIZATION_INELIGIBLE: {
      pan: '5204740000000038',
      effect: { kind: 'fail', error: declined('TOKENIZATION_INELIGIBLE') },
      description: 'fails for good: TOKENIZATION_INELIGIBLE',
    },
    ISSUER_DECLINED: {
      pan: '5204740000000046',
      effect: { kind: 'fail', error: declined('ISSUER_DECLINED') },
      description: 'fails for good: ISSUER_DECLINED',
    },
    SUSPENDED_CARD: {
      pan: '5204740000000053',
      effect: { kind: 'fail', error: declined('SUSPENDED_CARD') },
      description: 'fails for good: SUSPENDED_CARD',
    },
    ACCOUNT_RANGE_NOT_FOUND: {
      pan: '5204740000000061',
      effect: { kind: 'fail', error: declined('ACCOUNT_RANGE_NOT_FOUND') },
      description: 'fails for good: ACCOUNT_RANGE_NOT_FOUND',
    },
    NO_RESPONSE_FROM_ISSUER: {
      pan: '5204740000001010',
      effect: { kind: 'fail', error: declined('NO_RESPONSE_FROM_ISSUER', 500) },
      description: 'fails every time: NO_RESPONSE_FROM_ISSUER',
    },
    UNAVAILABLE: {
      pan: '5204740000001028',
      effect: {
        kind: 'fail',
        error: { status: 503, reason: 'UNAVAILABLE', message: 'Try again later', errordetail: null },
      },
      description: 'fails every time: UNAVAILABLE (top reason, errordetail null)',
    },
    INTERNAL: {
      pan: '5204740000001036',
      effect: { kind: 'fail', error: { status: 500, reason: 'INTERNAL', message: 'Try again later' } },
      description: 'fails every time: INTERNAL (top reason, no errordetail)',
    },
    UNEXPECTED_ERROR: {
      pan: '5204740000001044',
      effect: {
        kind: 'fail',
        error: {
          status: 500,
          reason: 'UNEXPECTED_ERROR',
          message: 'Try again later',
          details: [{ reason: 'UNEXPECTED_ERROR', source: 'Card', sourceType: 'BODY' }],
        },
      },
      description: 'fails every time: UNEXPECTED_ERROR (detail under `details`)',
    },
    NO_RESPONSE_FROM_ISSUER_ONCE: {
      pan: '5204740000002018',
      effect: { kind: 'failOnce', error: declined('NO_RESPONSE_FROM_ISSUER', 500) },
      description: 'first round NO_RESPONSE_FROM_ISSUER, second round succeeds',
    },
    RECORD_MISSING: {
      pan: '5204740000003016',
      effect: { kind: 'omit' },
      description: 'missing from the answer, not enrolled',
    },
    RECORD_REPEATED: {
      pan: '5204740000003024',
      effect: { kind: 'repeat' },
      description: 'succeeds, twice in the answer',
    },
    FOREIGN_RECORD: {
      pan: '5204740000003032',
      effect: { kind: 'addForeign' },
      description: 'succeeds, and a record that was never sent is in the answer besides',
    },
    UNKNOWN_RECORD_STATUS: {
      pan: '5204740000003040',
      effect: { kind: 'unknownStatus', status: 'UNDER_REVIEW' },
      description: 'answered with the record status UNDER_REVIEW, not enrolled',
    },
    RECORD_CONTRADICTED: {
      pan: '5204740000003057',
      effect: { kind: 'contradict', error: declined('ISSUER_DECLINED') },
      description: 'succeeds, and is in the answer as ISSUER_DECLINED besides',
    },
    PROFILE_REMAINS: {
      pan: '5204740000003065',
      effect: { kind: 'failWithProfile', error: declined('PAN_INELIGIBLE') },
      description: 'fails for good: PAN_INELIGIBLE, and leaves the profile of its consumer',
    },
  },
  batches: {
    UNKNOWN_STATUS_FIRST: {
      externalBatchIdContains: 'sim-unknown-status',
      effect: { kind: 'unknownStatusFirst', status: 'QUEUED_FOR_REVIEW' },
      description: 'the first status call is answered QUEUED_FOR_REVIEW, the following ones as usual',
    },
    NEVER_TERMINAL: {
      externalBatchIdContains: 'sim-never-terminal',
      effect: { kind: 'neverTerminal' },
      description: 'IN_PROGRESS for ever',
    },
    BATCH_FAILED: {
      externalBatchIdContains: 'sim-batch-failed',
      effect: { kind: 'failed' },
      description: 'the whole batch ends FAILED, without records',
    },
  },
} as const satisfies { cards: Record<string, CardTrigger>; batches: Record<string, BatchTrigger> };

/** Names of the card and batch triggers. */
export type CardTriggerName = keyof typeof TRIGGERS.cards;
export type BatchTriggerName = keyof typeof TRIGGERS.batches;

const CARD_EFFECTS = new Map<string, CardEffect>(
  Object.values(TRIGGERS.cards).map(({ pan, effect }) => [pan, effect]),
);

/** @param pan any card number; one that is no trigger succeeds. */
export function effectOfCard(pan: string): CardEffect {
  return CARD_EFFECTS.get(pan) ?? { kind: 'succeed' };
}

/** The effect that the name of a batch asks for, if any; the first in the table when there are several. */
export function effectOfBatch(externalBatchId: string): BatchEffect | undefined {
  return Object.values<BatchTrigger>(TRIGGERS.batches).find(({ externalBatchIdContains }) =>
    externalBatchId.includes(externalBatchIdContains),
  )?.effect;
}
