import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskEmails, maskPans } from '../../protection/mask.js';

/** The textbook Luhn check, written apart from the code under test. */
function luhn(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, char, i) => {
    const value = Number(char) * (i % 2 === 1 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

/** Every Luhn-valid window of 13 to 19 digits in any run of the text. */
function survivors(text: string): string[] {
  const found: string[] = [];
  for (const [run] of text.matchAll(/\d(?:[ .-]?\d)*/g)) {
    const digits = run.replace(/\D/g, '');
    for (let length = 13; length <= 19; length += 1) {
      for (let start = 0; start + length <= digits.length; start += 1) {
        const window = digits.slice(start, start + length);
        if (luhn(window)) found.push(window);
      }
    }
  }
  return found;
}

const pan = fc.tuple(fc.stringMatching(/^\d{12,18}$/), fc.constant(null)).map(([head]) => {
  const check = [...'0123456789'].find((digit) => luhn(head + digit));
  return head + String(check);
});

describe('maskPans', () => {
  it('keeps the last four digits of a card number', () => {
    expect(maskPans('5186001700009726')).toBe('************9726');
  });

  it.each([
    ['card 5186 0017 0000 9726 declined', 'card **** **** **** 9726 declined'],
    ['5186-0017-0000-9726', '****-****-****-9726'],
    ['5186.0017.0000.9726', '****.****.****.9726'],
    ['PAN5186001700009726EXP', 'PAN************9726EXP'],
    ['{"pan":"5186001700009726"}', '{"pan":"************9726"}'],
    ['4222222222222', '*********2222'],
    ['6304000000000000000', '***************0000'],
  ])('masks it within other text: %j', (text, masked) => {
    expect(maskPans(text)).toBe(masked);
  });

  it.each(['try 2 5186001700009726', '5186001700009726 10 2030', '00005186001700009726', '9'.repeat(40)])(
    'finds it although other digits touch it: %j',
    (text) => {
      expect(maskPans(text)).not.toContain('518600170000');
      expect(survivors(maskPans(text))).toEqual([]);
    },
  );

  it('masks each of two card numbers that stand beside each other', () => {
    const masked = maskPans('5555555555554444 5186001700009726');
    expect(masked).not.toMatch(/\d{5}/);
    expect(masked).toMatch(/9726$/);
  });

  it('leaves numbers alone that are too short, fail the check or are broken by other characters', () => {
    for (const text of ['518600170000', '5186001700004', '518600170:0009726', '2026-11-24T07:45:17.123Z', ''])
      expect(maskPans(text)).toBe(text);
  });

  it('lets no Luhn-valid run of 13 to 19 digits survive', () => {
    const piece = fc.oneof(
      pan,
      fc.stringMatching(/^[\d .-]{1,30}$/),
      fc.constantFrom(' ', '-', '.', '  ', 'x'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        const masked = maskPans(text);
        expect(survivors(masked)).toEqual([]);
        expect(masked).toHaveLength(text.length);
        expect(maskPans(masked)).toBe(masked);
        // Nothing but digits is ever replaced, and only by asterisks.
        for (let i = 0; i < text.length; i += 1)
          if (masked[i] !== text[i]) expect(text.charAt(i) + masked.charAt(i)).toMatch(/^\d\*$/);
      }),
      { numRuns: 1_000 },
    );
  });

  it('leaves a text without digits as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!/\d/.test(text));
        expect(maskPans(text)).toBe(text);
      }),
    );
  });

  it('copes with runs and texts of any length', () => {
    expect(maskPans('7 '.repeat(500_000))).toHaveLength(1_000_000);
    expect(maskPans('1'.repeat(12).concat('x').repeat(50_000))).not.toContain('*');
  });
});

describe('maskEmails', () => {
  it.each([
    ['ana@example.com is not valid', '*************** is not valid'],
    ['"ana.d+x@example.com": wrong', '"*******************": wrong'],
    ['<a@b>,c%40d', '<***>,*****'],
    ['a @ b, 50% of 40', 'a @ b, 50% of 40'],
    ['', ''],
  ])('makes of %j %j', (text, masked) => {
    expect(maskEmails(text)).toBe(masked);
  });

  it('leaves no word with an address and changes no other, and masking twice is masking once', () => {
    const word = fc.constantFrom('ana@example.com', 'a%40b.c', 'one', '@', '50%', '"', ',', ' ', '\n', 'é');
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const masked = maskEmails(words.join(' '));
        expect(masked).not.toMatch(/ana|a%40b/);
        expect(masked).toHaveLength(words.join(' ').length);
        expect(maskEmails(masked)).toBe(masked);
        for (const kept of ['one', 'é'] as const) if (words.includes(kept)) expect(masked).toContain(kept);
      }),
    );
  });
});
