import { expect } from 'vitest';
import { purgeBatch, type PurgeBatchInput } from '../../activities/purge-batch.js';
import type { BatchResult } from '../../enrollment/batch.js';
import { Blob, type ClosedBatch } from '../../enrollment/blobs.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import { cardKeysOf, type EnrollmentRecord } from '../../enrollment/records.js';
import { validateRecords } from '../../enrollment/validation.js';
import { getJson, putJson, type BatchStore } from '../../store/store.js';
import type { DamagedStore } from '../support/damaged-store.js';
import { jweOf, testRecord, testRecords } from '../support/records.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

export const BATCH = { program: 'demo', externalBatchId: 'batch-1' };
export const RECORDS = Blob.records('a');
const TODAY = new Date('2026-11-30');
export const deps = (of: BatchStore) => ({
  store: of,
  recordRules: () => batchEnroll.records,
  now: () => TODAY,
});

/** Three that may be sent, and one that may not. */
export const VALID = testRecords(3);
const INVALID: EnrollmentRecord = { ...testRecord(4), externalConsumerId: 'no id' };
const ALL = [...VALID, INVALID];
export const { order, outcomes: INVALID_OUTCOMES } = validateRecords(ALL, batchEnroll.records, TODAY);
export const ENROLLED = cardKeysOf(VALID).map((key): Outcome => ({ ...key, status: 'ENROLLED', round: 1 }));

/** How far a batch has come when it closes, and what its workflow says of it then. */
export const STAGES = {
  'before validation': {
    blobs: { [RECORDS]: ALL },
    needed: [RECORDS],
    says: { validated: false, batchIds: [], status: 'CANCELLED', reason: 'CANCELLED_NOT_SENT' },
  },
  'after validation': {
    blobs: {
      [RECORDS]: ALL,
      [Blob.validated(1)]: VALID,
      [Blob.cards]: order,
      [Blob.outcomes]: INVALID_OUTCOMES,
      [jweOf(1)]: 'a JWE',
    },
    needed: [Blob.cards, Blob.outcomes],
    says: { validated: true, batchIds: [], status: 'REJECTED', reason: 'NOT_SENT' },
  },
  'after outcomes': {
    blobs: {
      [RECORDS]: ALL,
      [Blob.validated(1)]: VALID,
      [Blob.cards]: order,
      [Blob.outcomes]: [...ENROLLED, ...INVALID_OUTCOMES],
      [jweOf(1)]: 'a JWE',
    },
    needed: [Blob.cards, Blob.outcomes],
    says: { validated: true, batchIds: ['mc-1'], status: 'COMPLETED_WITH_ERRORS', reason: 'MISSING' },
  },
} as const;
export type Stage = keyof typeof STAGES;
export const stages = Object.keys(STAGES) as Stage[];

export const DAMAGES = {
  missing: (of: DamagedStore, ref: string) => of.remove(BATCH, ref),
  altered: (of: DamagedStore, ref: string) => of.alter(BATCH, ref),
  truncated: (of: DamagedStore, ref: string) => of.truncate(BATCH, ref),
  'no sealed blob': (of: DamagedStore, ref: string) => of.replace(BATCH, ref),
} as const;
export type Damage = keyof typeof DAMAGES;
export const damages = Object.keys(DAMAGES) as Damage[];

/** Puts what there is at the stage. */
export async function putStage(store: BatchStore, stage: Stage): Promise<void> {
  for (const [ref, value] of Object.entries(STAGES[stage].blobs)) await putJson(store, BATCH, ref, value);
}

export function inputOf(stage: Stage): PurgeBatchInput {
  const { reason, ...says } = STAGES[stage].says;
  return {
    batch: BATCH,
    records: RECORDS,
    recordsDigest: 'k1:00',
    chain: 'chain-1',
    cards: ALL.length,
    reasons: ['as the workflow says'],
    remaining: { status: 'UNREPORTED', reason },
    ...says,
    batchIds: [...says.batchIds],
  };
}

/** Closes it, and looks whether what is promised of every close holds. */
export async function closed(of: BatchStore, input: PurgeBatchInput): Promise<BatchResult> {
  const closing = await purgeBatch(deps(of))(input);
  if (closing.kind !== 'closed') throw new Error(closing.message);
  const { result } = closing;
  expect(await of.list(BATCH)).toEqual([Blob.closed, Blob.outcomes]);
  const outcomes = await stored(of);
  expect(outcomes).toHaveLength(result.counts.cards);
  expect(new Set(outcomes.map((one) => `${one.externalConsumerId} ${one.externalCardId}`)).size).toBe(
    outcomes.length,
  );
  expect(result.counts.pending).toBe(0);
  expect((await getJson<ClosedBatch>(of, BATCH, Blob.closed)).result).toEqual(
    JSON.parse(JSON.stringify(result)),
  );
  return result;
}

export function stored(of: BatchStore): Promise<Outcome[]> {
  return getJson<Outcome[]>(of, BATCH, Blob.outcomes);
}
