import { access, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { mutated, readMutants } from '../../dev/mutant.js';

const mutants = await readMutants();

describe('a mutant of test/mutants/mutants.json', () => {
  test.each(mutants)('applies, and is killed by a file of npm test: $name', async (mutant) => {
    expect(mutated(await readFile(mutant.file, 'utf8'), mutant)).toContain(mutant.becomes);
    expect(mutant.killedBy.file).toMatch(/^test\/.*(?<!\.long|\.fuzz)\.test\.ts$/);
    await access(mutant.killedBy.file);
  });

  test('has a name of its own, and there are at least 40 of them', () => {
    const names = new Set(mutants.map(({ name }) => name));
    expect(names.size).toBe(mutants.length);
    expect(mutants.length).toBeGreaterThanOrEqual(40);
  });
});

test('a mutant whose text the source has not, or has twice, is an error that names it', () => {
  const mutant = { name: 'A wrong sign', file: 'a.ts', text: '+ 1', becomes: '- 1', killedBy: { file: '' } };
  expect(mutated('a + 1', mutant)).toBe('a - 1');
  expect(() => mutated('a', mutant)).toThrow(
    "the mutant 'A wrong sign' does not apply: a.ts has its text 0 times",
  );
  expect(() => mutated('a + 1 + 1', mutant)).toThrow('a.ts has its text 2 times');
});
