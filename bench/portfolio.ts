import type { Source } from '../bulk/source.js';
import { CSV_COLUMNS } from '../bulk/csv-columns.js';
import { benchRecords } from './data.js';

/** A portfolio that is made while it is read: rows of one card each, in either format. */
export type PortfolioFormat = 'jsonl' | 'csv';

const ROWS_A_BLOCK = 100;
const MARK = 'NUMBER';

/** A source of so many rows, each with ids of its own, never whole in memory. */
export function portfolio(format: PortfolioFormat, rows: number): Source {
  const head = format === 'csv' ? `${CSV_COLUMNS.map(({ name }) => name).join(',')}\n` : '';
  const [before = '', ...after] = rowOf(format).split(MARK);
  const row = (n: number) => [before, ...after].join(String(n).padStart(10, '0'));
  const rowBytes = row(0).length;
  const block = (first: number) => {
    const count = Math.min(ROWS_A_BLOCK, rows - first);
    const text = Array.from({ length: count }, (_, n) => row(first + n)).join('');
    return Buffer.from(first === 0 ? head + text : text);
  };
  return {
    name: `portfolio.${format}`,
    identity: { size: head.length + rows * rowBytes, version: '1' },
    gzip: false,
    ends: () => Promise.resolve(Buffer.of()),
    // eslint-disable-next-line @typescript-eslint/require-await -- an AsyncGenerator, as files are
    async *read(from) {
      const firstRow = Math.max(0, Math.floor((from - head.length) / rowBytes));
      let skip = firstRow === 0 ? from : from - head.length - firstRow * rowBytes;
      for (let first = firstRow; first < rows; first += ROWS_A_BLOCK) {
        yield block(first).subarray(skip);
        skip = 0;
      }
    },
  };
}

function rowOf(format: PortfolioFormat): string {
  const [record] = benchRecords(1);
  if (!record) throw new Error('the benchmark must have a record');
  const numbered = { ...record, externalConsumerId: `cust-${MARK}` };
  numbered.cards = record.cards.map((card) => ({ ...card, externalCardId: `card-${MARK}` }));
  if (format === 'jsonl') return `${JSON.stringify(numbered)}\n`;
  const { externalConsumerId, consumer, cards } = numbered;
  const objects = { record: { externalConsumerId }, consumer, card: cards[0] };
  const fields = CSV_COLUMNS.map(({ of, path }) =>
    path.reduce<unknown>((node, step) => (node as Record<string, unknown> | undefined)?.[step], objects[of]),
  );
  return `${fields.map((field) => (typeof field === 'string' ? field : '')).join(',')}\n`;
}
