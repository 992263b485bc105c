import { readdirSync, readFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { expect, test } from 'vitest';
import { ALONE } from '../../vitest.config.js';

const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => join('test', path));
const texts = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]));

/** Whether this file, or a helper that it imports, replaces a module. */
function replacesModule(file: string, seen = new Set<string>()): boolean {
  const text = texts.get(file);
  if (text === undefined || seen.has(file)) return false;
  seen.add(file);
  const imported = [...text.matchAll(/from '(\.[^']+)\.js'/g)].map(([, path]) =>
    join(file, '..', `${path!}.ts`),
  );
  return /\bvi\.(?:mock|doMock)\(/.test(text) || imported.some((path) => replacesModule(path, seen));
}

test('every test file that replaces a module has a process of its own, since the replacement outlives its file', () => {
  const replacing = files.filter((file) => file.endsWith('.test.ts') && replacesModule(file));
  expect(replacing).toContain('test/config/config.fuzz.test.ts');
  const shared = replacing.filter((file) => !ALONE.some((glob) => matchesGlob(file, glob)));
  expect(shared).toEqual([]);
});
