import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { TRIGGERS } from '../../simulator/triggers.js';
import { page, read } from './pages.js';

describe('docs/simulator.md', () => {
  const simulator = read('docs/simulator.md');

  test.each(Object.values(TRIGGERS.cards).map(({ pan, description }) => [pan, description]))(
    'documents the trigger %s: %s',
    (pan) => {
      expect(simulator).toContain(`| ${pan} |`);
    },
  );

  test.each(Object.values(TRIGGERS.batches).map((trigger) => trigger.externalBatchIdContains))(
    'documents the trigger %s',
    (text) => {
      expect(simulator).toContain(`\`${text}\``);
    },
  );
});

describe('docs/security.md', () => {
  const security = read('docs/security.md');

  test('has for each claim the test that holds it, or says that it is not for c2p to hold', () => {
    const cells = security
      .split('\n')
      .map((line) => (line.startsWith('|') ? line.split('|').map((cell) => cell.trim()) : []));
    let column = -1;
    const unheld: string[] = [];
    for (const [index, row] of cells.entries()) {
      if (cells[index - 1]?.length === 0) column = row.indexOf('held by');
      if (column < 0 || row[column] === 'held by' || /^-+$/.test(row[column] ?? '-')) continue;
      if (!row[column]!.includes('test/') && !row.some((cell) => cell.includes('**yours**')))
        unheld.push(row[1]!);
    }
    expect(unheld).toEqual([]);
  });
});

test('docs/testing.md says of each file of the long tier why npm test leaves it out, and what it has instead', () => {
  const table = page('docs/testing.md').tables.find(({ heading }) => heading === 'What npm test leaves out')!;
  const long = readdirSync(new URL('../', import.meta.url), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.long.test.ts'))
    .map((path) => `\`test/${path}\``);
  expect(table.rows.map(([file]) => file!).sort()).toEqual(long.sort());
});
