import fc from 'fast-check';
import { bulkBatchId } from '../../enrollment/bulk.js';
import type { BatchStatus } from '../../enrollment/batch.js';
import type { PolicyInput } from '../../enrollment/policy-schema.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { TRIGGERS, type Fault, type FaultRequest } from '../../simulator/index.js';
import { testRecord } from '../support/records.js';

/** A batch to be enrolled, and what the issuer knows about each of its cards. */
export interface PlannedBatch {
  externalBatchId: string;
  records: EnrollmentRecord[];
  cards: PlannedCard[];
  treatment: Treatment;
}

/** How a batch is enrolled, and what people do to it on its way. */
export type Treatment =
  | { kind: 'plain' | 'allOrNothing' | 'furtherRounds' | 'askingOperator' }
  | (When & { kind: 'cancelled' | 'terminated' | 'takenBack' | 'forgotten' })
  | (When & { kind: 'policyChanged'; change: PolicyInput });

/** The stages that every batch passes, in this order. */
export const STAGES = [
  'VALIDATING',
  'ENCRYPTING',
  'SUBMITTING',
  'PROCESSING',
] as const satisfies BatchStatus[];

/** So long after a batch has come to a stage, wherever it is then. */
export interface When {
  stage: (typeof STAGES)[number];
  afterMs: number;
}

export interface PlannedCard {
  externalConsumerId: string;
  externalCardId: string;
  /** Whether it may not be sent. */
  invalid: boolean;
}

const CONSUMERS = [
  'enrolled',
  'declinedForGood',
  'declinedForNow',
  'declinedOnce',
  'unmentioned',
  'invalid',
] as const;
type ConsumerKind = (typeof CONSUMERS)[number];

const PAN_OF: Partial<Record<ConsumerKind, string>> = {
  declinedForGood: TRIGGERS.cards.PAN_INELIGIBLE.pan,
  declinedForNow: TRIGGERS.cards.NO_RESPONSE_FROM_ISSUER.pan,
  declinedOnce: TRIGGERS.cards.NO_RESPONSE_FROM_ISSUER_ONCE.pan,
  unmentioned: TRIGGERS.cards.RECORD_MISSING.pan,
};

const consumer = fc.record({
  kind: fc.oneof(
    { weight: 80, arbitrary: fc.constant<ConsumerKind>('enrolled') },
    { weight: 20, arbitrary: fc.constantFrom(...CONSUMERS) },
  ),
  cards: fc.integer({ min: 1, max: 2 }),
});

const when = { stage: fc.constantFrom(...STAGES), afterMs: fc.integer({ min: 0, max: 2_000 }) };
const change = fc.constantFrom<PolicyInput>(
  { polling: { maximum: '2s' } },
  { uncertainSubmission: 'askOperator' },
  { retryFailedRecords: { maxRounds: 2, delay: '1s' } },
  { onPartialFailure: 'rollback' },
);
const PLAIN: Treatment = { kind: 'plain' };
const OTHERS: fc.Arbitrary<Treatment>[] = [
  fc.record({ kind: fc.constantFrom('allOrNothing') }),
  fc.record({ kind: fc.constantFrom('furtherRounds') }),
  fc.record({ kind: fc.constantFrom('askingOperator') }),
  fc.record({ kind: fc.constantFrom('cancelled'), ...when }),
  fc.record({ kind: fc.constantFrom('terminated'), ...when }),
  fc.record({ kind: fc.constantFrom('takenBack'), ...when }),
  fc.record({ kind: fc.constantFrom('forgotten'), ...when }),
  fc.record({ kind: fc.constantFrom('policyChanged'), ...when, change }),
];
const treatment = fc.oneof(
  { weight: 40, arbitrary: fc.constant(PLAIN) },
  { weight: 60, arbitrary: fc.oneof(...OTHERS) },
);

const batch = fc.record({
  consumers: fc.array(consumer, { minLength: 1, maxLength: 10, size: 'max' }),
  treatment,
});

/**
 * `count` batches of 1 to 20 cards, the same ones for the same seed; no card is in two of them. The first ones are
 * each treated in another way than plainly. The last one is plain, with a card that Mastercard has to process: it does
 * not end before Mastercard is done.
 */
export function planBatches(count: number, seed: number): PlannedBatch[] {
  const drawn = fc.sample(batch, { seed, numRuns: count });
  const [firstTreatments] = fc.sample(fc.tuple(...OTHERS), { seed, numRuns: 1 });
  firstTreatments!.slice(0, count).forEach((first, n) => (drawn[n]!.treatment = first));
  const last = drawn.at(-1)!;
  last.treatment = PLAIN;
  last.consumers[0] = { kind: 'enrolled', cards: 1 };
  return drawn.map(({ consumers, treatment }, index) => {
    const planned = consumers.map(({ kind, cards }, n) => consumerOf(index * 100 + n, kind, cards));
    return {
      externalBatchId: `chaos-${String(index + 1).padStart(4, '0')}`,
      records: planned.map(({ record }) => record),
      cards: planned.flatMap(({ cards }) => cards),
      treatment,
    };
  });
}

/** A file to be enrolled by one job, and what the issuer knows about it. */
export interface PlannedPortfolio {
  /** One record or bad row each, in the order of the file. */
  rows: (EnrollmentRecord | string)[];
  /** Which batches the job makes of it, each as full as whole consumers fill it. */
  batches: PlannedBatch[];
  /** The lines that go into no batch, counted from 1. */
  badLines: number[];
}

const BAD_ROWS = ['{"externalConsumerId": "cut-o', '[]', '{"externalConsumerId":"none","cards":[]}', '{}'];

const row = fc.oneof(
  { weight: 99, arbitrary: consumer },
  { weight: 1, arbitrary: fc.constantFrom(...BAD_ROWS) },
);

/** A portfolio of so many cards, the same one for the same seed. */
export function planPortfolio(
  bulkId: string,
  { cards, maxCardsPerBatch, seed }: { cards: number; maxCardsPerBatch: number; seed: number },
): PlannedPortfolio {
  const portfolio: PlannedPortfolio = { rows: [], batches: [], badLines: [] };
  const { rows, batches, badLines } = portfolio;
  let left = cards;
  for (const drawn of fc.sample(row, { seed, numRuns: 2 * cards })) {
    if (left === 0) break;
    if (typeof drawn === 'string') {
      badLines.push(rows.push(drawn));
      continue;
    }
    const planned = consumerOf(rows.length, drawn.kind, Math.min(left, drawn.cards));
    rows.push(planned.record);
    left -= planned.cards.length;
    let last = batches.at(-1);
    if (!last || last.cards.length + planned.cards.length > maxCardsPerBatch) {
      last = {
        externalBatchId: bulkBatchId(bulkId, batches.length + 1),
        records: [],
        cards: [],
        treatment: PLAIN,
      };
      batches.push(last);
    }
    last.records.push(planned.record);
    last.cards.push(...planned.cards);
  }
  return portfolio;
}

function consumerOf(
  n: number,
  kind: ConsumerKind,
  cards: number,
): { record: EnrollmentRecord; cards: PlannedCard[] } {
  const record = recordOf(n, kind, cards);
  const { externalConsumerId } = record;
  return {
    record,
    cards: record.cards.map(({ externalCardId }) => ({
      externalConsumerId,
      externalCardId,
      invalid: kind === 'invalid',
    })),
  };
}

function recordOf(n: number, kind: ConsumerKind, cards: number): EnrollmentRecord {
  const record = testRecord(n, cards);
  const pan = PAN_OF[kind];
  return {
    ...record,
    cards: record.cards.map((card) => ({
      ...card,
      ...(pan !== undefined && { primaryAccountNumber: pan }),
      ...(kind === 'invalid' && { panExpirationYear: '2020' }),
    })),
  };
}

const FAULTS: Fault[] = [
  { kind: 'dropBefore' },
  { kind: 'dropAfter' },
  { kind: 'status', status: 429, retryAfter: 1 },
  { kind: 'status', status: 429 },
  { kind: 'status', status: 500 },
  { kind: 'statusAfter', status: 500 },
  { kind: 'status', status: 503, shape: 'gatewayA', recoverable: true },
  { kind: 'statusAfter', status: 504 },
  { kind: 'malformedJson', accepted: false },
  { kind: 'malformedJson', accepted: true },
  { kind: 'html', status: 502 },
  { kind: 'html', status: 200 },
];

/** No fault at all: takes up a call in the queue of faults, and carries it out at once. */
export const NO_FAULT = { kind: 'delay', ms: 0 } as const satisfies Fault;

/** More than a run can need: the simulator keeps a log of as many. */
export const MOST_CALLS = 10_000;

/** What each of the next `calls` calls meets, one in `1 / rate` of them a fault; the same for the same seed. */
export function planFaults(calls: number, rate: number, seed: number): FaultRequest[] {
  const share = Math.round(rate * 100);
  const fault = fc.oneof(
    { weight: share, arbitrary: fc.constantFrom(...FAULTS) },
    { weight: 100 - share, arbitrary: fc.constant(NO_FAULT) },
  );
  return fc.sample(fault, { seed, numRuns: calls }).map((met) => ({ operation: 'any', fault: met }));
}
