import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { commandLinesOf, problemOf } from './command-lines.js';
import { brokenLinks, page, PAGES, parse, read } from './pages.js';

const PACKAGE = JSON.parse(read('package.json')) as { version: string; scripts: Record<string, string> };

function exists(path: string): boolean {
  return existsSync(new URL(`../../${path}`, import.meta.url));
}

/** Files of the project that a page names in code, as in `test/real/leak.test.ts`. */
function namedFiles(codeSpans: readonly string[]): string[] {
  return codeSpans.filter((text) => /^[a-z][\w.-]*(?:\/[\w.-]+)+\.(?:ts|js|cjs|mjs|yaml|yml)$/.test(text));
}

describe.each(PAGES.map((each) => [each.path, each] as const))('%s', (_path, each) => {
  test('links only to files and headings that exist', () => {
    expect(brokenLinks(each, exists)).toEqual([]);
  });

  test('shows only commands that exist, with options that they have', () => {
    const wrong = commandLinesOf(each).map((line) => [line, problemOf(line)]);
    expect(wrong.filter(([, problem]) => problem !== undefined)).toEqual([]);
  });

  test('names only scripts of package.json and files that exist', () => {
    const scripts = [...each.text.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1]!);
    expect(scripts.filter((name) => !(name in PACKAGE.scripts))).toEqual([]);
    expect(namedFiles(each.codeSpans).filter((path) => !exists(path) && !exists(`dist/${path}`))).toEqual([]);
  });
});

describe('README.md', () => {
  const readme = page('README.md');

  test('has at most 10 KB', () => {
    expect(Buffer.byteLength(readme.text)).toBeLessThanOrEqual(10_000);
  });

  test('shows the program of examples/enroll.ts as it is, and the package of this version', () => {
    expect(readme.text).toContain(read('examples/enroll.ts').split('\n').slice(1).join('\n').trim());
    expect(readme.text).toContain(`c2p-${PACKAGE.version}.tgz`);
  });

  test('leads to every other page', () => {
    const others = PAGES.map(({ path }) => path).filter((path) => path !== 'README.md');
    const linked = new Set(readme.targets.map((target) => target.split('#')[0]));
    expect(others.filter((path) => !linked.has(path))).toEqual([]);
  });
});

test('docs/operations.md has every section in its table of contents', () => {
  const { text } = page('docs/operations.md');
  const contents = [...text.matchAll(/^- \[(.*)\]\(#/gm)].map((match) => match[1]!);
  expect(contents).toEqual([...text.matchAll(/^## (.*)$/gm)].map((match) => match[1]!));
});

test('what is wrong with a link or a command line is found', () => {
  const wrong = parse(
    'docs/wrong.md',
    '# One\n[a](#one) [b](#two) [c](cli.md#c2p-enroll) [d](cli.md#c2p-x) [e](x.md)',
  );
  expect(brokenLinks(wrong, exists)).toEqual(['#two', 'cli.md#c2p-x', 'x.md']);
  expect(problemOf('c2p resolv ID')).toBe('no command resolv');
  expect(problemOf('c2p resolve ID --again')).toBe('unknown --again');
  expect(problemOf('c2p keys revoke k1')).toBe('no command revoke');
  expect(problemOf('c2p keys rotate k1')).toBe('too many arguments');
  expect(problemOf('c2p list --status WAITING')).toContain('Allowed choices');
  expect(problemOf('c2p status ID ID')).toBe('too many arguments');
  expect(commandLinesOf(page('docs/operations.md')).length).toBeGreaterThan(40);
  expect(commandLinesOf(page('docs/operations.md'))).toContain('c2p list --status AWAITING_OPERATOR');
});
