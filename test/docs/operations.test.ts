import { describe, expect, test } from 'vitest';
import { CLOSED_STATUSES, OPEN_STATUSES } from '../../enrollment/batch.js';
import { FailureType } from '../../enrollment/errors.js';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.js';
import { read } from './pages.js';

const guide = read('docs/operations.md');

/** The first cell of each row of the tables under a heading. */
function entriesUnder(heading: string): string[] {
  const section = guide.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]!);
}

describe('docs/operations.md', () => {
  test('has an entry for every status of a batch, and for none that does not exist', () => {
    expect(entriesUnder('The statuses').sort()).toEqual([...OPEN_STATUSES, ...CLOSED_STATUSES].sort());
  });

  test('has an entry for every typed failure, and for none that does not exist', () => {
    expect(entriesUnder('The typed failures').sort()).toEqual(Object.values(FailureType).sort());
  });

  test('has every search attribute, and none that does not exist', () => {
    const used = [...guide.matchAll(/\bC2p[A-Z]\w+/g)].map((match) => match[0]);
    expect([...new Set(used)].sort()).toEqual(Object.keys(SEARCH_ATTRIBUTES).sort());
  });
});
