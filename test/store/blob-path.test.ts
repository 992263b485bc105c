import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeName, unescapeName } from '../../store/blob-path.js';

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/),
  fc.constantFrom('', '.', '..', '%', '%2e', 'a:b', 'C:\\x', '../x', '\0'),
);

describe('escapeName', () => {
  it('can be undone', () => {
    fc.assert(
      fc.property(text, (name) => {
        expect(unescapeName(escapeName(name))).toBe(name);
      }),
    );
  });

  it('gives a name of lower-case letters, digits and %_- only, which is never empty', () => {
    fc.assert(
      fc.property(text, (name) => {
        expect(escapeName(name)).toMatch(/^[a-z0-9%_-]+$/);
      }),
    );
  });

  it('gives different names to texts that differ in case only', () => {
    fc.assert(
      fc.property(text, (name) => {
        fc.pre(name.toUpperCase() !== name);
        expect(escapeName(name.toUpperCase())).not.toBe(escapeName(name));
      }),
    );
  });

  it('leaves room for a suffix in the longest external id', () => {
    expect(escapeName('Z'.repeat(64)).length).toBe(192);
    expect(escapeName('2026-11-debit_1')).toBe('2026-11-debit_1');
  });
});
