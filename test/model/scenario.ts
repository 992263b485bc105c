import fc from 'fast-check';
import type { PolicyOverrides } from '../../enrollment/policy.js';
import { resolvePolicy, type EnrollmentPolicy } from '../../enrollment/policy.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { TRIGGERS, type CardTriggerName, type Operation } from '../../simulator/index.js';
import { testRecord } from '../support/records.js';
import { ANSWERS, type Answer } from './answers.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

type CardKind = 'good' | 'invalid' | CardTriggerName;

/** What is decided before a batch is enrolled. */
export interface Scenario {
  policy: PolicyOverrides;
  /** The kinds of each consumer's cards. */
  consumers: CardKind[][];
  /** What the simulator does with the batch as a whole, by its name; empty: as usual. */
  batchTrigger: string;
  processing: number;
  duplicates: Duplicates;
  /** What the first calls are answered; the others are carried out. */
  answers: Record<Operation, Answer[]>;
  /** What changes with the second round. */
  second: { processing: number; enroll: Answer[] };
  /** An activity that the worker dies in before it has done it once, or having done it. */
  death?: Death | undefined;
  /** Whether the workers keep the workflow in memory; if not, they can be restarted. */
  cached: boolean;
  /** Whether a new run takes over at every wait, as when the history has grown long. */
  handsOver: boolean;
  /** What the operator does once nothing fails any more, in turn. */
  operator: { resolves: 'right' | 'resend' | 'abandon'; retries: boolean }[];
}

export type Duplicates = 'withBatchId' | 'withoutBatchId' | 'acceptedAgain';

export interface Death {
  activity: (typeof MORTAL)[number];
  when: 'before' | 'after';
}

const MORTAL = [
  'validateBatch',
  'encryptBatch',
  'submitBatch',
  'fetchBatchStatus',
  'listEnrolled',
  'removeCard',
  'removeCard',
  'recordRemovals',
  'removeProfile',
  'purgeBatch',
] as const;

export const death: fc.Arbitrary<Death> = fc.record({
  activity: fc.constantFrom(...MORTAL),
  when: fc.constantFrom('before', 'after'),
});

const cardKind = fc.oneof(
  { weight: 5, arbitrary: fc.constant<CardKind>('good') },
  { weight: 1, arbitrary: fc.constant<CardKind>('invalid') },
  { weight: 3, arbitrary: fc.constant<CardKind>('NO_RESPONSE_FROM_ISSUER_ONCE') },
  { weight: 2, arbitrary: fc.constantFrom(...(Object.keys(TRIGGERS.cards) as CardTriggerName[])) },
);

/** Without jitter, so that a run depends on its seed only. Waits are long beside the seconds that a run takes. */
const policy: fc.Arbitrary<PolicyOverrides> = fc.record({
  onInvalidRecords: fc.constantFrom('submitValid', 'submitValid', 'rejectBatch'),
  uncertainSubmission: fc.constantFrom('resend', 'resend', 'askOperator'),
  onPartialFailure: fc.constantFrom('keep', 'rollback'),
  onCancel: fc.constantFrom('rollback', 'rollback', 'leave'),
  onPollingDeadline: fc.constantFrom('expire', 'expire', 'askOperator'),
  retryFailedRecords: fc.record({
    maxRounds: fc.constantFrom(1, 2, 2, 3),
    delay: fc.constantFrom(MINUTE, HOUR, 30 * HOUR),
  }),
  submission: fc.record({
    initial: fc.constantFrom(MINUTE, 5 * MINUTE),
    coefficient: fc.constantFrom(1, 2),
    maximum: fc.constant(HOUR),
    deadline: fc.constantFrom(10 * MINUTE, 24 * HOUR, 24 * HOUR),
  }),
  polling: fc.record({
    initial: fc.constantFrom(2 * MINUTE, 10 * MINUTE),
    coefficient: fc.constantFrom(1.5, 3),
    maximum: fc.constant(4 * HOUR),
    deadline: fc.constantFrom(15 * MINUTE, 3 * HOUR, 72 * HOUR, 72 * HOUR),
    jitter: fc.constant(0),
  }),
});

/** In most runs the first few calls of an operation fail. */
function someOf(op: Operation, weight: number): fc.Arbitrary<Answer[]> {
  const answers = fc.array(answerTo(op), { minLength: 1, maxLength: 5, size: 'max' });
  return fc.oneof({ weight: 2, arbitrary: fc.constant<Answer[]>([]) }, { weight, arbitrary: answers });
}

/** An offer that is refused mostly ends the batch: that is not to be what most batches come to. */
export function answerTo(op: Operation): fc.Arbitrary<Answer> {
  const [passing, others] = [true, false].map((it) => ANSWERS[op].filter(({ passes }) => passes === it));
  return fc.oneof(
    { weight: op === 'enroll' ? 8 : 2, arbitrary: fc.constantFrom(...(passing ?? [])) },
    { weight: 1, arbitrary: fc.constantFrom(...(others ?? [])) },
  );
}

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  policy,
  consumers: fc.array(fc.array(cardKind, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 4 }),
  batchTrigger: fc.oneof(
    { weight: 12, arbitrary: fc.constant('') },
    ...Object.values(TRIGGERS.batches).map(({ externalBatchIdContains }) => ({
      weight: 1,
      arbitrary: fc.constant(`-${externalBatchIdContains}`),
    })),
  ),
  processing: fc.constantFrom(0, 7 * MINUTE, 2 * HOUR, 10 * HOUR),
  duplicates: fc.constantFrom<Duplicates[]>(
    'withBatchId',
    'withBatchId',
    'withoutBatchId',
    'withoutBatchId',
    'acceptedAgain',
  ),
  answers: fc.record({
    enroll: someOf('enroll', 3),
    status: someOf('status', 1),
    deleteCard: someOf('deleteCard', 2),
    deleteProfile: someOf('deleteProfile', 1),
  }),
  second: fc.record({
    processing: fc.constantFrom(0, 7 * MINUTE, 100 * HOUR),
    enroll: someOf('enroll', 3),
  }),
  death: fc.option(death, { freq: 1, nil: undefined }),
  cached: fc.constantFrom(true, true, true, false),
  handsOver: fc.constantFrom(false, false, true),
  operator: fc.array(
    fc.record({
      resolves: fc.constantFrom('right' as const, 'right' as const, 'resend' as const, 'abandon' as const),
      retries: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});

export function policyOf({ policy }: Scenario): EnrollmentPolicy {
  return resolvePolicy(policy);
}

/** The issuer's records; no two runs have a card in common. */
export function recordsOf({ consumers }: Scenario, run: number): EnrollmentRecord[] {
  return consumers.map((kinds, index) => {
    const record = testRecord(index + 1, kinds.length);
    return {
      ...record,
      externalConsumerId: `run-${run}-${record.externalConsumerId}`,
      cards: record.cards.map((card, n) => cardOf(card, kinds[n] ?? 'good')),
    };
  });
}

function cardOf(card: EnrollmentRecord['cards'][number], kind: CardKind): EnrollmentRecord['cards'][number] {
  if (kind === 'good') return card;
  if (kind === 'invalid') return { ...card, panExpirationYear: '2020' };
  return { ...card, primaryAccountNumber: TRIGGERS.cards[kind].pan };
}
