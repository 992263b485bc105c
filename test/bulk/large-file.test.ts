import { expect, it } from 'vitest';
import { retainedBytes } from '../../bench/memory.js';
import { portfolio } from '../../bench/portfolio.js';
import { firstPage, indexPage } from '../../bulk/index-page.js';

const MIB = 1024 ** 2;

it.each(['jsonl', 'csv'] as const)(
  '50 MB of %s are indexed in the memory that the first 5 MB take',
  async (format) => {
    const row = portfolio(format, 2).identity.size - portfolio(format, 1).identity.size;
    const rows = Math.ceil((50 * MIB) / row);
    const source = portfolio(format, rows);
    const retained: number[] = [];
    const page = await indexPage(source, await firstPage(source), {
      maxCardsPerBatch: 250,
      maxBatches: 1_000_000,
      rejects: { write: () => Promise.resolve() },
      onProgress: ({ cursor }) => {
        if (cursor.position.offset >= (retained.length + 1) * 5 * MIB) retained.push(retainedBytes());
      },
    });
    expect(page.cards).toBe(rows);
    expect(retained.length).toBeGreaterThanOrEqual(9);
    expect(Math.max(...retained) - retained[0]!).toBeLessThan(5 * MIB);
  },
);
