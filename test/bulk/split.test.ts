import { describe, expect, it } from 'vitest';
import { card, record } from '../enrollment/generators.js';
import { csvRow, memorySource, split } from './memory-source.js';
import { HEADER } from '../cli/input-files.js';

const consumer = (id: string, cards: number) =>
  JSON.stringify(
    record(
      id,
      Array.from({ length: cards }, (_, n) => card(`k${n}`)),
    ),
  );
const jsonl = (...cards: number[]) =>
  memorySource(cards.map((count, n) => `${consumer(`c${n}`, count)}\n`).join(''), '.jsonl');

describe('splitting', () => {
  it('fills a batch up to its maximum', async () => {
    const { batches } = await split(jsonl(2, 1, 1, 2));
    expect(batches).toMatchObject([
      { line: 1, cards: 3 },
      { line: 3, cards: 3 },
    ]);
  });

  it('leaves a batch not full rather than splitting a consumer', async () => {
    expect((await split(jsonl(2, 2, 3))).batches.map(({ cards }) => cards)).toEqual([2, 2, 3]);
  });

  it('reports rejects by the thousand, where a batch or a consumer stands around many', async () => {
    const { steps, rejects } = await split(
      memorySource(
        [consumer('c1', 1), ...Array<string>(2_500).fill('x'), consumer('c2', 1)].join('\n'),
        '.jsonl',
      ),
    );
    expect(steps.map((step) => [step.rejects.length, step.batch?.cards, step.after !== undefined])).toEqual([
      [1_000, undefined, false],
      [1_000, undefined, false],
      [500, 2, true],
    ]);
    expect(new Set(rejects.map(({ line }) => line)).size).toBe(2_500);
  });

  it('ends a consumer of CSV behind whom nothing can be read for a thousand rows', async () => {
    const rows = [HEADER, csvRow('c1', 'k1'), ...Array<string>(3_000).fill('x'), csvRow('c1', 'k2')];
    const { batches, steps } = await split(memorySource(rows.join('\n'), '.csv'));
    expect(Math.max(...steps.map(({ rejects }) => rejects.length))).toBeLessThanOrEqual(1_001);
    expect(batches[0]?.records.map(({ line }) => line)).toEqual([2, 3_003]);
  });
});
