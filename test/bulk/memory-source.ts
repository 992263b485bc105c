import fc from 'fast-check';
import { batchesOf, type SourceBatch, type Step } from '../../bulk/batches.js';
import type { Item, SourceRecord } from '../../bulk/item.js';
import { readLayout, readRecords } from '../../bulk/records.js';
import type { Reject } from '../../bulk/reject.js';
import type { Position } from '../../bulk/row-cutter.js';
import type { Source } from '../../bulk/source.js';
import { HEADER, REQUIRED, ROW } from '../cli/input-files.js';
import { card, record } from '../enrollment/generators.js';
import { damaged } from '../support/fuzz/bytes.js';

/** A source that is these bytes, of which so many come at once. */
export function memorySource(content: string | Uint8Array, extension: string, block = 65_536): Source {
  const bytes = Buffer.from(content);
  return {
    name: `portfolio${extension}`,
    identity: { size: bytes.length, version: '1' },
    gzip: false,
    ends: () => Promise.resolve(bytes),
    // eslint-disable-next-line @typescript-eslint/require-await -- an AsyncGenerator, as files are
    async *read(from, to = bytes.length) {
      for (let at = from; at < to; at += block) yield bytes.subarray(at, Math.min(to, at + block));
    },
  };
}

/** All items of a source, or of a part of it. */
export async function itemsOf(source: Source, maxCardsPerBatch = 3): Promise<Item[]> {
  const items: Item[] = [];
  const layout = await readLayout(source);
  for await (const some of readRecords(source, { layout, maxCardsPerBatch })) items.push(...some);
  return items;
}

/** The records and rejects of a source. */
export async function read(
  source: Source,
  maxCardsPerBatch = 3,
): Promise<{ records: SourceRecord[]; rejects: Reject[] }> {
  const items = await itemsOf(source, maxCardsPerBatch);
  return {
    records: items.flatMap((item) => (item.kind === 'record' ? [item.record] : [])),
    rejects: items.flatMap((item) => (item.kind === 'reject' ? [item.reject] : [])),
  };
}

export interface Split {
  batches: SourceBatch[];
  rejects: Reject[];
  steps: Step[];
}

/** All batches and rejects of a source, from the beginning or from where a step ended. */
export async function split(
  source: Source,
  { maxCardsPerBatch = 3, start }: { maxCardsPerBatch?: number; start?: Position } = {},
): Promise<Split> {
  const layout = await readLayout(source);
  const steps: Step[] = [];
  for await (const step of batchesOf(source, { layout, maxCardsPerBatch, start })) steps.push(step);
  return {
    batches: steps.flatMap(({ batch }) => batch ?? []),
    rejects: steps.flatMap(({ rejects }) => rejects),
    steps,
  };
}

/** A CSV row of the required columns, with some fields changed. */
export function csvRow(consumer: string, cardId: string, changes: Record<string, string> = {}): string {
  const fields: Record<string, string> = { externalConsumerId: consumer, externalCardId: cardId, ...changes };
  return REQUIRED.map((name, index) => fields[name] ?? ROW.split(',')[index]).join(',');
}

const ends = fc.constantFrom('\n', '\n', '\r\n', '\r');

const csvRows = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom('c1', 'c2', 'c3', 'c4'), fc.constantFrom('k1', 'k2'))
      .map(([consumer, id]) => csvRow(consumer, id)),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...[
        '',
        '  ',
        '""',
        ',,,',
        csvRow('', 'k1'),
        csvRow('c 1', 'k1'),
        csvRow('c1', 'k1', { lastName: 'Other' }),
        csvRow('c1', 'k1', { lastName: '"a\r\nb\rc\nd ""e"", f"' }),
        csvRow('c2', 'k1', { lastName: '"never closed' }),
        csvRow('c2', 'k1', { lastName: 'a"b' }),
        csvRow('c2', 'k1', { lastName: '"a"b' }),
        `${csvRow('c2', 'k1')},more`,
      ],
    ),
  },
);

export const csvFiles = fc
  .record({ mark: fc.constantFrom('', '\uFEFF'), rows: fc.array(fc.tuple(csvRows, ends), { maxLength: 12 }) })
  .map(({ mark, rows }) => Buffer.from(`${mark}${HEADER}\n${rows.flat().join('')}`));

const jsonLines = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom('c1', 'c2', 'c3'), fc.integer({ min: 1, max: 4 }))
      .map(([id, cards]) =>
        JSON.stringify(
          record(
            id,
            Array.from({ length: cards }, (_, n) => card(`k${n}`)),
          ),
        ),
      ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...['', '  ', '7', '[]', 'null', '{}', '{', '"x"', '{"externalConsumerId":"c1"}'],
      ...['{"externalConsumerId":"c1","cards":[]}', '{"externalConsumerId":"c1","cards":{}}', '\u2028'],
    ),
  },
);

export const jsonlFiles = fc
  .record({
    mark: fc.constantFrom('', '\uFEFF'),
    lines: fc.array(fc.tuple(jsonLines, ends), { maxLength: 10 }),
  })
  .map(({ mark, lines }) => Buffer.from(`${mark}${lines.flat().join('')}`));

/** A file of either format, most often with something wrong in it, but for a header that still is one. */
export const anyFile = fc.oneof(
  damaged(jsonlFiles).map((bytes) => ({ bytes, extension: '.jsonl' })),
  damaged(csvFiles.map((bytes) => bytes.subarray(bytes.indexOf('\n') + 1))).map((rows) => ({
    bytes: Buffer.concat([Buffer.from(`${HEADER}\n`), rows]),
    extension: '.csv',
  })),
  csvFiles.map((bytes) => ({ bytes, extension: '.csv' })),
);
