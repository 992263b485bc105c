import type { BatchKey, BlobRef } from '../enrollment/batch.js';
import { Blob } from '../enrollment/blobs.js';
import {
  cardKey,
  inOrderOf,
  MAY_BE_ENROLLED,
  mergeOutcomes,
  UNREADABLE_REASON,
  type Outcome,
  type RemainingOutcome,
} from '../enrollment/outcomes.js';
import { cardKeysOf, type CardKey, type EnrollmentRecord } from '../enrollment/records.js';
import type { RecordRules } from '../enrollment/record-rules.js';
import { validateRecords, type ValidationResult } from '../enrollment/validation.js';
import type { Unreadable } from '../store/unreadable.js';
import type { Salvage } from './salvage.js';

/** What has to be known of a batch to account for its cards. */
export interface BatchToAccount {
  batch: BatchKey;
  records: BlobRef;
  /** How many cards it has; used where they cannot be named. */
  cards: number;
  /** Whether its records were validated: then it has outcomes, and a list of its cards. */
  validated: boolean;
  /** Mastercard's id of each accepted submission, oldest first. */
  batchIds: string[];
  /** The outcome of every card that has none yet. */
  remaining: RemainingOutcome;
  /**
   * The round of which it is unknown whether Mastercard has it: its cards get `remaining` in the place of what an
   * earlier round said of them, and may be enrolled.
   */
  unsettledRound?: number | undefined;
}

export interface Account {
  /** One for every card. */
  outcomes: Outcome[];
  /** Whether the store had just these. */
  isStored: boolean;
  /** For each blob that was needed and could not be read: which, why, and what is lost with it. */
  losses: string[];
  /** Why what Mastercard reported of the cards cannot be read; absent where nothing of it is lost. */
  reportsLost?: Unreadable | undefined;
}

/** What the records of a batch are judged by that was not validated. */
interface JudgingDependencies {
  recordRules: (program: string) => RecordRules;
  /** Decides which cards have expired. */
  now: () => Date;
}

/** Where nothing is known of what validation found, no card counts as expired: it may have been sent when it was not. */
const NOTHING_EXPIRED = new Date(0);

/**
 * Gives every card of a batch an outcome, whatever its blobs are: they stand in for each other, and `losses`
 * names what is lost.
 * @throws KeyMissing, StoreUnavailableError.
 */
export async function accountFor(
  blobs: Salvage,
  input: BatchToAccount,
  deps: JudgingDependencies,
): Promise<Account> {
  const { batchIds, remaining } = input;
  const known = await knownOutcomes(blobs, input);
  const judge = once(() => validateAnew(blobs, input, deps));
  const { cards, unnamed } = await nameCards(blobs, input, known, judge);
  const invalid = known || wasClosed(blobs) ? [] : ((await judge())?.outcomes ?? []);
  const reportsLost = batchIds.length > 0 ? blobs.lost.get(Blob.outcomes) : undefined;
  const rest: RemainingOutcome = reportsLost
    ? { status: 'UNREPORTED', reason: UNREADABLE_REASON, details: [MAY_BE_ENROLLED] }
    : remaining;
  const unsettled = await unsettledCards(blobs, input, cards, known ?? []);
  const outcomes = inOrderOf(
    cards,
    mergeOutcomes(
      cards.map((card) => ({ ...card, ...rest })),
      invalid,
      known ?? [],
      unsettled.map((card) => ({ ...card, ...unreported(remaining) })),
    ),
  );
  outcomes.push(...withoutNames(input, cards, unnamed));
  return {
    outcomes,
    isStored: known !== undefined && JSON.stringify(known) === JSON.stringify(outcomes),
    losses: [...blobs.lost].map(([ref, lost]) => explain(ref, lost, { input, named: cards.length, unnamed })),
    reportsLost,
  };
}

/** A closed batch has an outcome for every card, and nothing else to know them by. */
function wasClosed(blobs: Salvage): boolean {
  return blobs.has(Blob.closed);
}

async function knownOutcomes(blobs: Salvage, { validated }: BatchToAccount): Promise<Outcome[] | undefined> {
  if (!validated && !wasClosed(blobs) && !blobs.has(Blob.outcomes)) return undefined;
  return blobs.readOutcomes();
}

async function validateAnew(
  blobs: Salvage,
  { batch, records: ref, validated }: BatchToAccount,
  { recordRules, now }: JudgingDependencies,
): Promise<ValidationResult | undefined> {
  const records = await blobs.read<unknown[]>(ref);
  return records && validateRecords(records, recordRules(batch.program), validated ? NOTHING_EXPIRED : now());
}

interface NamedCards {
  /** In the order of the input where that is known. */
  cards: CardKey[];
  /** How many there are beside these. */
  unnamed: number;
}

async function nameCards(
  blobs: Salvage,
  { validated, cards: count }: BatchToAccount,
  known: Outcome[] | undefined,
  judge: () => Promise<ValidationResult | undefined>,
): Promise<NamedCards> {
  if (wasClosed(blobs))
    return known ? { cards: known.map(keyOf), unnamed: 0 } : { cards: [], unnamed: count };
  if (validated || blobs.has(Blob.cards)) {
    const listed = await blobs.read<CardKey[]>(Blob.cards);
    if (listed) return { cards: listed, unnamed: 0 };
  }
  const judged = await judge();
  if (judged) return { cards: judged.order, unnamed: 0 };
  const sent = validated ? await blobs.read<EnrollmentRecord[]>(Blob.validated(1)) : undefined;
  const cards = distinct([...(known ?? []).map(keyOf), ...cardKeysOf(sent ?? [])]);
  return { cards, unnamed: known && sent ? 0 : Math.max(0, count - cards.length) };
}

/** Those of the unsettled round that it left without an outcome; where they cannot be named, all that may be. */
async function unsettledCards(
  blobs: Salvage,
  { unsettledRound }: BatchToAccount,
  cards: readonly CardKey[],
  known: readonly Outcome[],
): Promise<CardKey[]> {
  if (unsettledRound === undefined || wasClosed(blobs)) return [];
  const settled = new Set(
    known.filter(({ round, status }) => round === unsettledRound || !SENT_AGAIN.has(status)).map(cardKey),
  );
  const unsettled = cards.filter((card) => !settled.has(cardKey(card)));
  if (unsettled.length === 0) return [];
  const sent = await blobs.read<EnrollmentRecord[]>(Blob.validated(unsettledRound));
  if (!sent) return unsettled;
  const ofRound = new Set(cardKeysOf(sent).map(cardKey));
  return unsettled.filter((card) => ofRound.has(cardKey(card)));
}

const SENT_AGAIN: ReadonlySet<Outcome['status']> = new Set(['FAILED', 'UNREPORTED']);

function unreported({ details = [], ...remaining }: RemainingOutcome): RemainingOutcome {
  return { ...remaining, status: 'UNREPORTED', details: [...details, MAY_BE_ENROLLED] };
}

/** Outcomes of cards whose names are lost, by number: `#` is outside the alphabet of real ids. */
function withoutNames(
  { batchIds, remaining, unsettledRound }: BatchToAccount,
  named: readonly CardKey[],
  unnamed: number,
): Outcome[] {
  const taken = new Set(named.map(({ externalConsumerId }) => externalConsumerId));
  const wasSent = batchIds.length > 0 || unsettledRound !== undefined;
  const details = [{ code: remaining.reason }, ...(wasSent ? [MAY_BE_ENROLLED] : [])];
  const outcomes: Outcome[] = [];
  for (let n = named.length + 1; outcomes.length < unnamed; n += 1) {
    const name = `#${n}`;
    // That of a consumer whose id cannot be used.
    if (taken.has(name)) continue;
    const key = { externalConsumerId: name, externalCardId: name };
    outcomes.push({ ...key, status: 'UNREPORTED', reason: UNREADABLE_REASON, details });
  }
  return outcomes;
}

function explain(
  ref: BlobRef,
  { why, keyId }: Unreadable,
  { input, named, unnamed }: { input: BatchToAccount; named: number; unnamed: number },
): string {
  const how =
    why === 'missing'
      ? 'is missing'
      : why === 'altered'
        ? 'is altered or truncated'
        : `is sealed under key '${keyId}', which is not in the key ring`;
  return `the blob '${ref}' ${how}: ${whatIsLost(ref, input, named, unnamed)}`;
}

function whatIsLost(
  ref: BlobRef,
  { batchIds, unsettledRound }: BatchToAccount,
  named: number,
  unnamed: number,
): string {
  if (ref === Blob.closed) return 'how the batch closed before is lost';
  if (ref === Blob.closing) return 'what an earlier attempt to close the batch found out is lost';
  if (ref === Blob.outcomes)
    return batchIds.length > 0
      ? `what Mastercard reported of the cards is lost; ask Mastercard about batchId ${batchIds.join(', ')}`
      : 'what was known of the cards is lost';
  if (unnamed > 0) return `${unnamed} of ${named + unnamed} cards cannot be named`;
  if (unsettledRound !== undefined && ref === Blob.validated(unsettledRound))
    return `which cards round ${unsettledRound} had is lost`;
  return 'what it said of the cards was found in other blobs, as far as that goes';
}

function keyOf({ externalConsumerId, externalCardId }: CardKey): CardKey {
  return { externalConsumerId, externalCardId };
}

function distinct(keys: readonly CardKey[]): CardKey[] {
  return [...new Map(keys.map((key) => [cardKey(key), key])).values()];
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined;
  return () => (done ??= work());
}
