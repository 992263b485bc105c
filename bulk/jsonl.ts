import { isUtf8 } from 'node:buffer';
import { parseShallow } from '../protection/json-depth.js';
import type { Item } from './item.js';
import { consumerIdProblem } from './consumer-id.js';
import type { Reject } from './reject.js';
import { RowCutter, type Position, type Row } from './row-cutter.js';
import { Turns } from './turns.js';

/** Several times what a consumer with a full batch of cards takes. */
export const MAX_LINE_BYTES = 1024 * 1024;

/** Reads one record a line; see `readRecords`. */
export async function* readJsonl(
  bytes: AsyncIterable<Buffer>,
  start: Position,
  maxCards: number,
): AsyncGenerator<Item[]> {
  const cutter = new RowCutter({ start, quotes: false, maxBytes: MAX_LINE_BYTES });
  const turns = new Turns();
  for await (const block of bytes) {
    cutter.push(block);
    yield* itemsOf(cutter, maxCards, turns);
  }
  cutter.end();
  yield* itemsOf(cutter, maxCards, turns);
  yield [{ kind: 'end', after: cutter.position }];
}

async function* itemsOf(cutter: RowCutter, maxCards: number, turns: Turns): AsyncGenerator<Item[]> {
  let items: Item[] = [];
  for (let row = cutter.next(); row; row = cutter.next()) {
    const item = itemOf(row, maxCards);
    if (item) items.push(item);
    if (!turns.isOver) continue;
    yield items;
    items = [];
    await turns.next();
  }
  yield items;
}

function itemOf(row: Row, maxCards: number): Item | undefined {
  const { start, end, bytes, tooLong } = row;
  const reject = (code: Reject['code'], path = ''): Item => ({
    kind: 'reject',
    reject: { line: start.line, path, code },
    // What is left of a line that is too long may be still to come.
    after: tooLong ? undefined : end,
  });
  if (tooLong) return reject('row_too_long');
  if (!isUtf8(bytes)) return reject('not_utf8');
  const text = bytes.toString('utf8').trim();
  if (text === '') return undefined;
  let value: unknown;
  try {
    value = parseShallow(text);
  } catch {
    return reject('json_malformed');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return reject('type');
  const { externalConsumerId, cards } = value as Record<string, unknown>;
  const problem = consumerIdProblem(externalConsumerId);
  if (problem) return reject(problem, 'externalConsumerId');
  if (cards === undefined) return reject('required', 'cards');
  if (!Array.isArray(cards)) return reject('type', 'cards');
  if (cards.length === 0) return reject('required', 'cards');
  if (cards.length > maxCards) return reject('too_many_cards', 'cards');
  return { kind: 'record', record: { line: start.line, cards: cards.length, value }, after: end };
}
