import { expect, it } from 'vitest';
import { retainedBytes } from '../../bench/memory.js';
import { portfolio } from '../../bench/portfolio.js';
import { batchesOf } from '../../bulk/batches.js';
import { readLayout } from '../../bulk/records.js';

const MIB = 1024 ** 2;

it.each(['jsonl', 'csv'] as const)(
  '20 MB of %s are split in the memory that the first 2 MB take',
  async (format) => {
    const row = portfolio(format, 2).identity.size - portfolio(format, 1).identity.size;
    const rows = Math.ceil((20 * MIB) / row);
    const source = portfolio(format, rows);
    const retained: number[] = [];
    let cards = 0;
    const options = { layout: await readLayout(source), maxCardsPerBatch: 250 };
    for await (const { batch, after } of batchesOf(source, options)) {
      cards += batch?.cards ?? 0;
      if (after && after.offset >= (retained.length + 1) * 2 * MIB) retained.push(retainedBytes());
    }
    expect(cards).toBe(rows);
    expect(retained.length).toBeGreaterThanOrEqual(9);
    expect(Math.max(...retained) - retained[0]!).toBeLessThan(5 * MIB);
  },
);
