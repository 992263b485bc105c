import { existsSync, readdirSync } from 'node:fs';
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
  const claims = page('docs/security.md').tables.flatMap(({ head, rows }) => {
    const column = head.indexOf('held by');
    return column < 0 ? [] : rows.map((row) => ({ claim: row[0]!, heldBy: row[column]!, row }));
  });

  test('has for each claim a test that exists, or says that it is not for c2p to hold', () => {
    expect(claims.length).toBeGreaterThan(90);
    const wrong = claims.filter(({ heldBy, row }) =>
      heldBy === '' ? !row.some((cell) => cell.includes('**yours**')) : missingTests(heldBy).length > 0,
    );
    expect(wrong.map(({ claim, heldBy }) => [claim, missingTests(heldBy)])).toEqual([]);
  });

  test('a test that is not there is found, and a claim without one', () => {
    const file = '`test/docs/docs.test.ts`';
    expect(missingTests(`${file} "a test that is not there is found" "has for each claim"`)).toEqual([]);
    expect(missingTests(`${file} "has for each claim" "in no title", ${file} "nor this"`)).toEqual([
      'in no title',
      'nor this',
    ]);
    expect(missingTests('`test/docs/none.test.ts` "any"')).toEqual(['test/docs/none.test.ts']);
    expect(missingTests(file)).toEqual([file]);
  });
});

/** What of a cell, as in `test/a.test.ts` "part of a title" "of another", `test/b.test.ts` "…", is not there. */
function missingTests(heldBy: string): string[] {
  return heldBy.split(', `').flatMap((part) => {
    const [, path, titles] = /^`?(test\/\S+\.test\.ts)`((?: "[^"]+")+)$/.exec(part) ?? [];
    if (path === undefined) return [part];
    if (!existsSync(new URL(`../../${path}`, import.meta.url))) return [path];
    const known = titlesIn(read(path));
    return [...titles!.matchAll(/"([^"]+)"/g)]
      .map(([, title]) => title!)
      .filter((title) => !known.some((one) => one.includes(title)));
  });
}

/** The titles in a file of tests, as they are written: what a call begins with, and goes on behind. */
function titlesIn(source: string): string[] {
  return [...source.matchAll(/\(\s*(['"`])((?:\\.|(?!\1).)*)\1,/g)].map(([, , title]) => title!);
}

test('docs/testing.md says of each file of the long tier why npm test leaves it out, and what it has instead', () => {
  const table = page('docs/testing.md').tables.find(({ heading }) => heading === 'What npm test leaves out')!;
  const long = readdirSync(new URL('../', import.meta.url), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.long.test.ts'))
    .map((path) => `\`test/${path}\``);
  expect(table.rows.map(([file]) => file!).sort()).toEqual(long.sort());
});
