import type { z } from 'zod';
import { holdsPan, pansOf } from './identifiers.js';
import type { Outcome, OutcomeDetail } from './outcomes.js';
import { cardKey } from './outcomes.js';
import type { Card, CardKey, EnrollmentRecord } from './records.js';
import type { IssueCode } from './schemas.js';
import type { RecordRules } from './record-rules.js';
import { isMonth, isYear, ISSUE_CODES, recordSchemas, type RecordSchemas } from './schemas.js';

/** Where in the input a card stands; both counts start at 0. No `card`: the record has no list of cards. */
export interface CardPosition {
  record: number;
  card?: number | undefined;
}

export interface ValidationResult {
  /** What may be sent, normalised, in the order of the input: each record with its valid cards only. */
  valid: EnrollmentRecord[];
  /** One for each card that may not be sent, all of them `INVALID`. */
  outcomes: Outcome[];
  /** Where each of `outcomes` first stands in the input: same order, same length. */
  positions: CardPosition[];
  /** All cards: those in `valid` and those in `outcomes`; no card is in both. */
  cards: number;
  /** The cards in `valid`. */
  validCards: number;
  /** The keys of the cards in `valid`, in order: what Mastercard's answer has to account for. */
  keys: CardKey[];
  /** All cards, valid or not, in the order in which the input first has them: the order of a report. */
  order: CardKey[];
}

/** How many places one duplicate id lists: enough to find it, and bounded when a whole file has the same. */
const LISTED_OCCURRENCES = 20;

/**
 * Checks what an issuer handed over, card by card.
 *
 * The unit is the card. Something wrong with a consumer makes all their cards INVALID; something wrong
 * with a card makes only that card INVALID, and the consumer's others are still valid. A card id that is
 * used twice in the batch, or a consumer id that two records have, makes every card concerned INVALID:
 * nobody can know which one is right. All problems of a card are reported, not only the first.
 *
 * Details hold paths relative to the record (`consumer.emailAddress`, `cards[0].primaryAccountNumber`)
 * and codes (`IssueCode`), for duplicates the places in the batch (`records[4].cards[0]`); no values, and
 * no names of fields that are not in the contract. Never throws on JSON values.
 *
 * @param rules of the program's `EnrollmentApi`.
 * @param today decides which cards have expired: a card is good to the last day of its month, in UTC.
 */
export function validateRecords(
  records: readonly unknown[],
  rules: RecordRules,
  today: Date,
): ValidationResult {
  const month = today.getUTCFullYear() * 12 + today.getUTCMonth() + 1;
  const schemas = recordSchemas(rules);
  const judged = records.map((record, index) => judgeRecord(record, index, month, schemas));
  markDuplicates(judged);
  return collect(judged);
}

/** A card of the input with everything that was found wrong with it. */
interface JudgedCard {
  position: CardPosition;
  key: CardKey;
  /** The card's own id, when it can be used. */
  externalCardId?: string | undefined;
  details: OutcomeDetail[];
  /** The normalised card, when nothing is wrong with it. */
  card?: Card | undefined;
}

interface JudgedRecord {
  index: number;
  /** The record's own id, when it can be used. */
  externalConsumerId?: string | undefined;
  consumer?: EnrollmentRecord['consumer'] | undefined;
  /** What is wrong with the record apart from its cards: concerns all of them. */
  details: OutcomeDetail[];
  cards: JudgedCard[];
}

function judgeRecord(input: unknown, index: number, month: number, schemas: RecordSchemas): JudgedRecord {
  const parsed = schemas.record.safeParse(input);
  const fields = fieldsOf(input);
  const pans = pansOf(input);
  const details = detailsOf(parsed.error, '');
  const externalConsumerId = usableId(
    parsed.data?.externalConsumerId ?? schemas.externalId.safeParse(fields.externalConsumerId).data,
    pans,
    'externalConsumerId',
    details,
  );
  const consumerName = externalConsumerId ?? `#${index + 1}`;
  const cards = Array.isArray(fields.cards) ? (fields.cards as unknown[]) : [];
  const judged = cards.map((card, number) =>
    judgeCard(card, { record: index, card: number }, { consumerName, pans, month, schemas }),
  );
  if (cards.length === 0) {
    const key = { externalConsumerId: consumerName, externalCardId: `#${index + 1}` };
    judged.push({ position: { record: index }, key, details: [] });
  }
  return {
    index,
    externalConsumerId,
    consumer: parsed.data?.consumer,
    details,
    cards: judged,
  };
}

/** What the cards of a record are judged by. */
interface Judging {
  consumerName: string;
  pans: ReadonlySet<string>;
  month: number;
  schemas: RecordSchemas;
}

function judgeCard(
  input: unknown,
  position: Required<CardPosition>,
  { consumerName: externalConsumerId, pans, month, schemas }: Judging,
): JudgedCard {
  const parsed = schemas.card.safeParse(input);
  const fields = fieldsOf(input);
  const path = `cards[${position.card}]`;
  const details = detailsOf(parsed.error, path);
  if (hasExpired(parsed.data ?? fields, month))
    details.push({ path: `${path}.panExpirationYear`, code: 'expired' });
  const externalCardId = usableId(
    parsed.data?.externalCardId ?? schemas.externalId.safeParse(fields.externalCardId).data,
    pans,
    `${path}.externalCardId`,
    details,
  );
  const name = externalCardId ?? `#${position.record + 1}.${(position.card ?? 0) + 1}`;
  return {
    position,
    key: { externalConsumerId, externalCardId: name },
    externalCardId,
    details,
    card: parsed.data,
  };
}

/** Whether the card's last month lies before `month` (year × 12 + month). A date that is none has not passed. */
function hasExpired(
  card: Pick<Card, 'panExpirationMonth' | 'panExpirationYear'> | Fields,
  month: number,
): boolean {
  const { panExpirationMonth: cardMonth, panExpirationYear: cardYear } = card;
  return isMonth(cardMonth) && isYear(cardYear) && Number(cardYear) * 12 + Number(cardMonth) < month;
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(input: unknown): Fields {
  return typeof input === 'object' && input !== null ? (input as Fields) : {};
}

/** The id, unless it holds a card number of its own record: then that is added to the details. */
function usableId(
  id: string | undefined,
  pans: ReadonlySet<string>,
  path: string,
  details: OutcomeDetail[],
): string | undefined {
  if (id === undefined || !holdsPan(id, pans)) return id;
  details.push({ path, code: 'looks_like_pan' });
  return undefined;
}

const CODES: ReadonlySet<string> = new Set(ISSUE_CODES);

/** Path and code of each finding, and nothing else of it. */
function detailsOf(error: z.ZodError | undefined, parent: string): OutcomeDetail[] {
  return (error?.issues ?? []).map(({ path, message }) => {
    const code: IssueCode = CODES.has(message) ? (message as IssueCode) : 'format';
    return { path: path.reduce<string>(appendToPath, parent), code };
  });
}

function appendToPath(path: string, step: PropertyKey): string {
  if (typeof step === 'number') return `${path}[${step}]`;
  return path === '' ? String(step) : `${path}.${String(step)}`;
}

/** Adds to every card of the batch whose id, or whose consumer's id, is used more than once where it is used. */
function markDuplicates(records: readonly JudgedRecord[]): void {
  const byConsumer = groupBy(records, (record) => record.externalConsumerId);
  for (const same of repeated(byConsumer)) {
    const details = places(same, 'duplicate_external_consumer_id', ({ index }) => ({ record: index }));
    for (const record of same) record.details.push(...details);
  }
  const byCard = groupBy(
    records.flatMap((record) => record.cards),
    (card) => card.externalCardId,
  );
  for (const same of repeated(byCard)) {
    const details = places(same, 'duplicate_external_card_id', ({ position }) => position);
    for (const card of same) card.details.push(...details);
  }
}

function groupBy<T>(items: readonly T[], idOf: (item: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const id = idOf(item);
    if (id === undefined) continue;
    const group = groups.get(id);
    if (group) group.push(item);
    else groups.set(id, [item]);
  }
  return groups;
}

function repeated<T>(groups: ReadonlyMap<string, T[]>): T[][] {
  return [...groups.values()].filter((group) => group.length > 1);
}

function places<T>(
  items: readonly T[],
  code: IssueCode,
  positionOf: (item: T) => CardPosition,
): OutcomeDetail[] {
  return items.slice(0, LISTED_OCCURRENCES).map((item) => {
    const { record, card } = positionOf(item);
    return { path: card === undefined ? `records[${record}]` : `records[${record}].cards[${card}]`, code };
  });
}

function collect(records: readonly JudgedRecord[]): ValidationResult {
  const valid: EnrollmentRecord[] = [];
  const keys: CardKey[] = [];
  const order = new Map<string, CardKey>();
  const invalid = new Map<
    string,
    { outcome: Outcome; position: CardPosition; details: Map<string, OutcomeDetail> }
  >();
  for (const record of records) {
    const good: Card[] = [];
    for (const { key, position, card, details } of record.cards) {
      const id = cardKey(key);
      if (!order.has(id)) order.set(id, key);
      const all = [...record.details, ...details];
      if (card && all.length === 0) {
        good.push(card);
        keys.push(key);
        continue;
      }
      let entry = invalid.get(id);
      if (!entry) {
        entry = {
          outcome: { ...key, status: 'INVALID', reason: 'INVALID_RECORD' },
          position,
          details: new Map(),
        };
        invalid.set(id, entry);
      }
      for (const detail of all) entry.details.set(`${detail.path} ${detail.code}`, detail);
    }
    if (good.length > 0 && record.consumer && record.externalConsumerId !== undefined) {
      valid.push({ externalConsumerId: record.externalConsumerId, consumer: record.consumer, cards: good });
    }
  }
  const entries = [...invalid.values()];
  return {
    valid,
    outcomes: entries.map(({ outcome, details }) => ({ ...outcome, details: [...details.values()] })),
    positions: entries.map(({ position }) => position),
    cards: order.size,
    validCards: keys.length,
    keys,
    order: [...order.values()],
  };
}
