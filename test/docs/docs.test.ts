import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.js';
import { TRIGGERS } from '../../simulator/triggers.js';

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

describe('README.md', () => {
  const readme = read('README.md');

  test('links only to files that exist', () => {
    const targets = [...readme.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map((match) => match[1]!);
    expect(targets.length).toBeGreaterThan(5);
    expect(targets.filter((target) => !existsSync(new URL(`../../${target}`, import.meta.url)))).toEqual([]);
  });

  test('shows the program of examples/enroll.ts as it is', () => {
    expect(readme).toContain(read('examples/enroll.ts').split('\n').slice(1).join('\n').trim());
  });

  test.each(Object.values(TRIGGERS.cards).map(({ pan, description }) => [pan, description]))(
    'tells of the trigger %s: %s',
    (pan) => {
      expect(readme).toContain(`| ${pan} |`);
    },
  );

  test.each(Object.values(TRIGGERS.batches).map((trigger) => trigger.externalBatchIdContains))(
    'tells of the trigger %s',
    (text) => {
      expect(readme).toContain(`\`${text}\``);
    },
  );

  test.each(Object.keys(SEARCH_ATTRIBUTES))('names the search attribute %s', (name) => {
    expect(readme).toContain(`\`${name}\``);
  });
});

describe('docs/security.md', () => {
  const security = read('docs/security.md');

  test('names only tests that exist', () => {
    const named = [...security.matchAll(/test\/[\w./-]+\.ts/g)].map(([path]) => path);
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter((path) => !existsSync(new URL(`../../${path}`, import.meta.url)))).toEqual([]);
  });

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

test('docs/dependencies.md says of each dependency why it is there, and of none that is not', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
    string,
    Record<string, string>
  >;
  const listed = read('docs/dependencies.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...line.split('|')[1]!.matchAll(/`([^`]+)`/g)].map((match) => match[1]!));
  expect(listed.sort()).toEqual(Object.keys({ ...dependencies, ...devDependencies }).sort());
});

test('every dependency is pinned to one version', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
    string,
    Record<string, string>
  >;
  const versions = Object.values({ ...dependencies, ...devDependencies });
  expect(versions.filter((version) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))).toEqual([]);
});
