import { describe, expect, it } from 'vitest';
import { addRecord, closeBatch, NO_RECORDS, type Batch } from '../../bulk/split.js';

/** The batches of records with these numbers of cards, each of ten bytes and one line; the file has five more bytes. */
function split(records: number[], maxCards: number): Batch[] {
  const batches: (Batch | undefined)[] = [];
  let open = NO_RECORDS;
  for (const [index, cards] of records.entries()) {
    const step = addRecord(open, cards, { offset: 10 * (index + 1), line: index + 2 }, maxCards);
    batches.push(step.closed);
    open = step.open;
  }
  batches.push(closeBatch(open, { offset: records.length * 10 + 5, line: records.length + 2 }));
  return batches.filter((batch) => batch !== undefined);
}

describe('splitting', () => {
  it('fills a batch up to its maximum', () => {
    expect(split([2, 1, 1, 2], 3)).toEqual([
      { from: 0, to: 20, line: 1, records: 2, cards: 3 },
      { from: 20, to: 45, line: 3, records: 2, cards: 3 },
    ]);
  });

  it('leaves a batch not full rather than splitting a consumer', () => {
    expect(split([2, 2, 3], 3).map(({ cards }) => cards)).toEqual([2, 2, 3]);
  });

  it('makes no batch of nothing', () => {
    expect(split([], 3)).toEqual([]);
  });
});
