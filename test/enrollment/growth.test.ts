import { describe } from 'vitest';
import { acceptBatch, batchIdProblem } from '../../enrollment/acceptance.js';
import { bulkBatchOf, bulkIdProblem } from '../../enrollment/bulk.js';
import { looksLikePan, passesLuhn } from '../../enrollment/identifiers.js';
import { cardKey, inOrderOf, mergeOutcomes, type Outcome } from '../../enrollment/outcomes.js';
import { DEFAULT_POLICY } from '../../enrollment/policy.js';
import { policyChangeProblems } from '../../enrollment/policy-rules.js';
import { parsePolicy } from '../../enrollment/policy-schema.js';
import { reconcile, type ReportedCard } from '../../enrollment/reconciliation.js';
import { RECORD_SHAPE, shapeProblem } from '../../enrollment/record-shape.js';
import { recordsOf } from '../../enrollment/records.js';
import { withProfileRemovals, withRemovals } from '../../enrollment/removal.js';
import { recordSchemas } from '../../enrollment/schemas.js';
import { validateRecords } from '../../enrollment/validation.js';
import { linear, many, refusalOf, repeated, unknownFields } from '../support/growth.js';
import { testCard, testRecord } from '../support/records.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const {
  card: cardSchema,
  consumer: consumerSchema,
  externalId: externalIdSchema,
} = recordSchemas(batchEnroll.records);

const TODAY = new Date('2026-11-24T12:00:00Z');

describe('looking at the shape of records takes time in proportion to', () => {
  const problem = (records: unknown) => shapeProblem(records, [RECORD_SHAPE]);
  linear('records', (count) => many(count, (n) => testRecord(n)), problem, 500);
  linear('texts in the place of records', (count) => many(count, () => 'x'), problem, 5_000);
  linear('fields that nobody knows', (count) => [unknownFields(count)], problem, 5_000);
  linear('a name that is almost never sent', (size) => [{ [repeated('cvv_', size)]: 1 }], problem, 100_000);
});

describe('looking for a card number takes time in proportion to', () => {
  linear('one long run of digits', (size) => repeated('4', size), looksLikePan, 200_000);
  for (const separator of [' ', '.', '-', '_', ':'])
    linear(
      `digits with '${separator}' between them`,
      (size) => repeated(`0${separator}1${separator}`, size),
      looksLikePan,
      1_000,
    );
  linear(
    'digits with many separators between them',
    (size) => repeated(`0${' -'.repeat(20)}`, size),
    looksLikePan,
    20_000,
  );
  linear('separators behind one digit', (size) => `4${repeated(' ', size)}x`, looksLikePan, 50_000);
  linear(
    'digits and separators, with a letter behind each',
    (size) => repeated('4 x', size),
    looksLikePan,
    10_000,
  );
  linear(
    'numbers that lack the right check digit',
    (size) => repeated('4111111111111112 x', size),
    looksLikePan,
    10_000,
  );
  linear('letters', (size) => repeated('x', size), looksLikePan, 200_000);
  linear('digits of which to compute the check digit', (size) => repeated('4', size), passesLuhn, 100_000);
});

describe('judging ids takes time in proportion to', () => {
  linear(
    'one of many digits',
    (size) => repeated('4', size),
    (id) => externalIdSchema.safeParse(id),
    500_000,
  );
  linear(
    'one of digits and separators',
    (size) => repeated('4-', size),
    (id) => externalIdSchema.safeParse(id),
    500_000,
  );
  linear('that of a batch', (size) => repeated('4 4-', size), batchIdProblem, 500_000);
  linear('that of a bulk job', (size) => repeated('4.', size), bulkIdProblem, 500_000);
  linear(
    'one that ends like that of a batch of a bulk job',
    (size) => `${repeated('-111111', size)}x`,
    bulkBatchOf,
    20_000,
  );
  linear('one of dashes', (size) => `x${repeated('-', size)}`, bulkBatchOf, 20_000);
});

describe('judging a consumer takes time in proportion to', () => {
  const { consumer } = testRecord(1);
  const judged = (changes: object) => consumerSchema.safeParse({ ...consumer, ...changes });
  const email = (shape: string, unit: string) =>
    linear(
      `an e-mail address of ${shape}`,
      (size) => ({ emailAddress: repeated(unit, size) }),
      judged,
      20_000,
    );

  email('many @', '@');
  email('many dots', 'a.');
  email('many domains', 'a@b.');
  email('many dashes', '-a');
  email('one long word', 'a');
  email('white space', ' ');
  linear(
    'an e-mail address with white space around it',
    (size) => ({ emailAddress: `${repeated(' ', size)}x${repeated(' ', size)}` }),
    judged,
    50_000,
  );
  linear('a name of emoji', (size) => ({ firstName: '👩‍👩‍👧‍👦'.repeat(size) }), judged, 50_000);
  linear(
    'a name of combining marks',
    (size) => ({ firstName: `a${repeated('\u0301', size)}` }),
    judged,
    200_000,
  );
  linear('a name of white space', (size) => ({ lastName: repeated(' \u00a0\u2003', size) }), judged, 20_000);
  linear(
    'a phone number of many digits',
    (size) => ({ mobileNumber: { countryCode: '1', phoneNumber: repeated('5', size) } }),
    judged,
    20_000,
  );
  linear(
    'a country code of many digits',
    (size) => ({ mobileNumber: { countryCode: repeated('1', size), phoneNumber: '5555550100' } }),
    judged,
    20_000,
  );
  linear('fields that nobody knows', unknownFields, judged, 3_000);
});

describe('judging a card takes time in proportion to', () => {
  const card = testCard(1);
  const judged = (changes: object) => cardSchema.safeParse({ ...card, ...changes });

  linear(
    'a card number of many digits',
    (size) => ({ primaryAccountNumber: repeated('4', size) }),
    judged,
    20_000,
  );
  linear(
    'a card number with separators',
    (size) => ({ primaryAccountNumber: repeated('4-', size) }),
    judged,
    500_000,
  );
  linear('a long year', (size) => ({ panExpirationYear: repeated('2', size) }), judged, 500_000);
  linear(
    'a long address',
    (size) => ({
      billingAddress: {
        line1: `${repeated(' ', size)}x${repeated(' ', size)}`,
        countryCode: repeated('ß', size),
      },
    }),
    judged,
    50_000,
  );
});

describe('validating records takes time in proportion to', () => {
  const validated = (records: unknown[]) => validateRecords(records, batchEnroll.records, TODAY);

  linear('valid records', (count) => many(count, (n) => testRecord(n)), validated, 10);
  linear('values that are no records', (count) => many(count, () => 'x'), validated, 30);
  linear('empty records', (count) => many(count, () => ({})), validated, 50);
  linear(
    'records of one consumer',
    (count) => many(count, (n) => ({ ...testRecord(n), externalConsumerId: 'c' })),
    validated,
    10,
  );
  linear(
    'records of one card',
    (count) => many(count, (n) => ({ ...testRecord(n), cards: [testCard(1)] })),
    validated,
    10,
  );
  linear('the same record', (count) => many(count, () => testRecord(1)), validated, 10);
  linear(
    'cards of one consumer with wrong fields',
    (count) => [{ ...testRecord(1), cards: many(count, (n) => ({ n })) }],
    validated,
    50,
  );
  linear(
    'cards of a wrong consumer',
    (count) => [{ externalConsumerId: 'c', consumer: {}, cards: many(count, (n) => testCard(n)) }],
    validated,
    20,
  );
  linear(
    'the same card of one consumer',
    (count) => [{ ...testRecord(1), cards: many(count, () => testCard(1)) }],
    validated,
    20,
  );
  linear(
    'records with names that nobody knows',
    (count) => [{ ...testRecord(1), ...unknownFields(count) }],
    validated,
    1_000,
  );
  linear(
    'the cards of a batch that is offered',
    (count) => ({ externalBatchId: 'b', records: many(count, (n) => testRecord(n)) }),
    (batch) => acceptBatch(batch, { maxCardsPerBatch: 1 }),
    500,
  );
});

describe('reconciling an answer takes time in proportion to', () => {
  const key = (n: number) => ({ externalConsumerId: `c${n}`, externalCardId: `k${n}` });
  const entry = (n: number, changes: Partial<ReportedCard> = {}): ReportedCard => ({
    ...key(n),
    result: 'enrolled',
    rawStatus: 'SUCCESS',
    ...changes,
  });
  const reconciled = ({ sent, answer }: { sent: number; answer: ReportedCard[] }) =>
    reconcile(many(sent, key), answer, 1);

  linear('cards', (count) => ({ sent: count, answer: many(count, (n) => entry(n)) }), reconciled, 80);
  linear(
    'entries about other cards',
    (count) => ({ sent: 1, answer: many(count, (n) => entry(n + 1)) }),
    reconciled,
    310,
  );
  linear(
    'entries that repeat each other',
    (count) => ({ sent: 1, answer: many(count, () => entry(0)) }),
    reconciled,
    600,
  );
  linear(
    'entries that contradict each other',
    (count) => ({ sent: 1, answer: many(count, (n) => entry(0, { reason: `R${n}` })) }),
    reconciled,
    600,
  );
  linear(
    'entries that contradict each other at their ends',
    (count) => ({ sent: 1, answer: many(count, (n) => entry(0, { reason: `${'R'.repeat(180)}${n}` })) }),
    reconciled,
    600,
  );
  linear(
    'details',
    (count) => ({ sent: 1, answer: [entry(0, { details: many(count, (n) => ({ code: `C${n}` })) })] }),
    reconciled,
    2_000,
  );
  linear('cards that the answer does not mention', (count) => ({ sent: count, answer: [] }), reconciled, 300);
});

describe('putting outcomes together takes time in proportion to', () => {
  const outcome = (n: number, changes: Partial<Outcome> = {}): Outcome => ({
    externalConsumerId: `c${n}`,
    externalCardId: `k${n}`,
    status: 'ROLLED_BACK',
    srcConsumerId: `s${n}`,
    ...changes,
  });
  const outcomes = (count: number) => many(count, (n) => outcome(n));

  linear('outcomes of distinct cards', outcomes, (all) => inOrderOf(all, mergeOutcomes(all, all)), 300);
  linear(
    'outcomes of the same card',
    (count) => many(count, () => outcome(1)),
    (all) => mergeOutcomes(all, all),
    1_000,
  );
  const removed = (count: number) => many(count, () => ({ kind: 'removed' as const }));
  linear(
    'cards that were taken out',
    (count) => many(count, (n) => outcome(n, { status: 'ENROLLED' })),
    (all) => withRemovals(all, removed(all.length)),
    300,
  );
  linear('profiles', outcomes, (all) => withProfileRemovals(all, removed(all.length)), 300);
  linear(
    'cards of one profile',
    (count) => many(count, (n) => outcome(n, { srcConsumerId: 's' })),
    (all) => withProfileRemovals(all, removed(all.length)),
    700,
  );
  linear(
    'records of which some cards are taken',
    (count) => many(count, (n) => testRecord(n)),
    (records) =>
      recordsOf(
        records,
        records.map(({ externalConsumerId }) => ({ externalConsumerId, externalCardId: 'x' })),
      ),
    150,
  );
  linear(
    'a long id',
    (size) => repeated('"\u0000', size),
    (id) => cardKey({ externalConsumerId: id, externalCardId: id }),
    20_000,
  );
});

describe('reading a policy takes time in proportion to', () => {
  const refused = (input: object) => refusalOf(() => parsePolicy(input));
  const problems = (change: object) => policyChangeProblems(DEFAULT_POLICY, change);

  linear('fields that nobody knows', unknownFields, refused, 1_000);
  linear(
    'fields of a part that nobody knows',
    (count) => ({ polling: unknownFields(count) }),
    refused,
    1_000,
  );
  linear(
    'a duration of many digits',
    (size) => ({ polling: { initial: `${repeated('1', size)}h` } }),
    refused,
    500_000,
  );
  linear(
    'a duration of many dots',
    (size) => ({ polling: { initial: repeated('1.', size) } }),
    refused,
    500_000,
  );
  linear(
    'a duration of white space',
    (size) => ({ polling: { initial: `1${repeated(' ', size)}h` } }),
    refused,
    500_000,
  );
  linear('a long choice', (size) => ({ onCancel: repeated('leave', size) }), refused, 500_000);
  linear('fields of a change that nobody knows', unknownFields, problems, 3_000);
  linear(
    'fields of a part of a change that nobody knows',
    (count) => ({ polling: unknownFields(count) }),
    problems,
    3_000,
  );
});
