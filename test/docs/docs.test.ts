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
  expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});
