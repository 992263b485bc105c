import type { BlobRef } from '../../enrollment/batch.js';
import { Blob, isRecords } from '../../enrollment/blobs.js';
import type { BatchWay } from './batch-way.js';
import { batchWays } from './index.js';
import {
  readHistory,
  type CompletedActivity,
  type Payloads,
  type RecordedHistory,
  type ScheduledActivity,
} from './recorded-histories.js';

/** What can become of a blob, and what is then done about it. */
export const DAMAGES = [
  'missing',
  'altered',
  'truncated',
  'sealed under a key that comes back',
  'sealed under a key that is gone',
] as const;
export type Damage = (typeof DAMAGES)[number];

/** Where a way is about to call an activity. */
export interface Moment {
  activityType: string;
  /** Which of the calls of this activity, from 1. */
  nth: number;
  /** Whether it was made, and its report is lost, so that Temporal makes it again. */
  isRepeated: boolean;
  /** What is in the store then, of all that makes a difference. */
  blobs: readonly string[];
}

/** A way of a batch on which a blob is damaged. */
export interface DamageCase {
  way: BatchWay;
  moment: Moment;
  blob: string;
  damage: Damage;
  /** Whether a bulk job starts the batch, and must get its report. */
  ofJob: boolean;
}

/** Those on which a blob is damaged anyway, or of which nothing is kept, are not damaged once more. */
const LEFT_OUT = /key-was-missing|unreadable|blob-was-lost|refused/;

/** A blob by what it is: the names of some hold random ids. */
export function kindOf(ref: BlobRef): string {
  return isRecords(ref) ? 'records' : ref.replace(/-by-.*$/, '');
}

/**
 * Every way with every blob there is in every damage: before it closes, while it closes, at the last moment before
 * that, and at each earlier moment of which no way before has the like.
 */
export async function damageCases(): Promise<DamageCase[]> {
  const cases: DamageCase[] = [];
  const seen = new Set<string>();
  for (const way of batchWays.filter(({ name }) => !LEFT_OUT.test(name)))
    for (const [index, moment] of momentsOf(way, await readHistory(way.name))
      .reverse()
      .entries()) {
      const like = JSON.stringify({ ...moment, nth: 0 });
      if (index > LAST_MOMENTS && seen.has(like)) continue;
      seen.add(like);
      for (const blob of moment.blobs)
        for (const damage of DAMAGES.filter((one) => !isUnnoticed(way, blob, one)))
          cases.push({ way, moment, blob, damage, ofJob: isForJob(way) && cases.length % 2 === 0 });
    }
  return cases;
}

const LAST_MOMENTS = 2;

/** Nobody can notice that the mark of another workflow is gone; Mastercard then says that it has the id. */
function isUnnoticed({ before }: BatchWay, blob: string, damage: Damage): boolean {
  return before !== undefined && blob === Blob.offered(1) && damage === 'missing';
}

/** A job seals the records of its batches itself, under ids that nobody used before. */
function isForJob({ isInline, before }: BatchWay): boolean {
  return !isInline && !before;
}

/** There is none yet, or none any more. */
const WITHOUT_BLOBS: ReadonlySet<string> = new Set(['receiveBatch', 'cancelThisRun']);

/** The recorded history of a way says which activities it calls, and with what. */
function momentsOf(way: BatchWay, { events }: RecordedHistory): Moment[] {
  const moments: Moment[] = [];
  const calls = new Map<string, number>();
  const blobs = new Set(['records']);
  if (way.before) blobs.add(Blob.offered(1));
  let before = '';
  for (const event of events) {
    const { activityTaskScheduledEventAttributes: call, activityTaskCompletedEventAttributes: done } = event;
    const { retry } = (done && resultOf(done)) ?? {};
    if (retry) blobs.add(retry.records);
    if (!call) continue;
    const { name } = call.activityType;
    const nth = (calls.get(name) ?? 0) + 1;
    calls.set(name, nth);
    const moment = { activityType: name, nth, isRepeated: false, blobs: [...blobs].sort() };
    // The next poll, or the next card, is like the one before.
    const like = JSON.stringify({ ...moment, nth: 0 });
    if (!WITHOUT_BLOBS.has(name) && like !== before) moments.push(moment);
    before = like;
    for (const blob of WRITTEN[name]?.(inputOf(call).round) ?? []) blobs.add(blob);
  }
  return [...moments, { activityType: 'purgeBatch', nth: 1, isRepeated: true, blobs: [Blob.closed] }];
}

const WRITTEN: Record<string, (round: number) => string[]> = {
  validateBatch: () => [Blob.validated(1), Blob.cards, Blob.outcomes],
  encryptBatch: (round) => [`enrollment-data-${round}`],
  submitBatch: (round) => [Blob.offered(round)],
  listEnrolled: () => [Blob.removing],
};

function inputOf({ input }: ScheduledActivity): { round: number } {
  return valueOf<{ input: { round: number } }>(input).input;
}

function resultOf({ result }: CompletedActivity): { retry?: { records: BlobRef } } | undefined {
  return valueOf<{ result?: { retry?: { records: BlobRef } } }>(result).result;
}

function valueOf<T>({ payloads }: Payloads): T {
  return JSON.parse(Buffer.from(payloads[0]!.data, 'base64').toString()) as T;
}

function facetsOf({ way, moment, blob, damage, ofJob }: DamageCase) {
  const { activityType, isRepeated } = moment;
  const at = isRepeated ? `${activityType} again` : activityType;
  return {
    each: [`${way.ends} ${way.failure}`, blob, at, `${damage} ${ofJob}`],
    pairs: [`${blob} ${damage}`, `${at} ${damage}`, `${at} ${blob}`],
  };
}

/** As few cases as have every ending, blob, activity and damage; of those, such as have many pairs of these. */
export function selectionOf(cases: readonly DamageCase[]): DamageCase[] {
  const selected: DamageCase[] = [];
  const seen = new Set<string>();
  const worth = (one: DamageCase) => {
    const { each, pairs } = facetsOf(one);
    const news = (facets: string[]) => facets.filter((facet) => !seen.has(facet)).length;
    return news(each) === 0 ? 0 : 10 * news(each) + news(pairs);
  };
  for (;;) {
    const best = cases.reduce((one, other) => (worth(other) > worth(one) ? other : one));
    if (worth(best) === 0) return selected;
    selected.push(best);
    const { each, pairs } = facetsOf(best);
    for (const facet of [...each, ...pairs]) seen.add(facet);
  }
}
