import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskEmails, maskForeign, maskPans, maskPersonal, withoutQuery } from '../../protection/mask.js';
import { randomIds } from '../support/random-ids.js';
import { NUMBER_SPELLINGS } from '../support/spellings.js';

/** The textbook Luhn check, written apart from the code under test. */
function luhn(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, char, i) => {
    const value = Number(char) * (i % 2 === 1 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

/** Every Luhn-valid window of 13 to 19 ASCII digits in any run of the text. */
function survivors(text: string): string[] {
  const found: string[] = [];
  for (const [run] of text.matchAll(/\d(?:[^\p{L}\d%]{0,3}\d)*/gu)) {
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

const UUID = /[0-9a-f]{8}(-?)[0-9a-f]{4}\1[1-8][0-9a-f]{3}\1[89ab][0-9a-f]{3}\1[0-9a-f]{12}/i;

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

  it.each([
    ['5186 0017 0000 9726ana@bank.example', /^\*{4} \*{4} \*{4} \*+$/],
    ['ana@bank.example 5186 0017 0000 9726', /^\*{16} \*{4} \*{4} \*{4} 9726$/],
    ['ana.5186001700009726@bank.example', /^\*+$/],
    ['ana@5186001700009726.example', /^\*+$/],
  ])('masks it where it touches an e-mail address, and the address: %j', (text, masked) => {
    expect(maskPersonal(text)).toMatch(masked);
  });

  it('masks each of two card numbers that stand beside each other', () => {
    const masked = maskPans('5555555555554444 5186001700009726');
    expect(masked).not.toMatch(/\d{5}/);
    expect(masked).toMatch(/9726$/);
  });

  it.each(Object.keys(NUMBER_SPELLINGS))('finds a card number written %s', (spelling) => {
    const written = NUMBER_SPELLINGS[spelling]!('5186001700009726');
    for (const text of [written, `card ${written} declined`, `100%${written}x`]) {
      const masked = maskPans(text);
      expect(masked).toHaveLength(text.length);
      for (const group of ['5186', '0017', '0000'])
        expect(masked).not.toContain(NUMBER_SPELLINGS[spelling]!(group));
      expect(maskPans(masked)).toBe(masked);
    }
  });

  it('takes what a percent sign precedes for digits, too, where that makes a card number', () => {
    expect(maskPans('100%5186001700009726')).toMatch(/\*{12}9726$/);
    expect(maskPans('100%2221000000000009')).toMatch(/\*{12}0009$/);
    expect(maskPans('100%5186%2D0017%2D0000%2D9726')).toMatch(/\*{5}%2D\*{4}%2D\*{4}%2D9726$/);
  });

  it('leaves numbers alone that are too short, fail the check or are broken by letters or four other characters', () => {
    for (const text of [
      '518600170000',
      '5186001700004',
      '518600170x0009726',
      '51860017 ... 00009726',
      '2026-11-24T07:45:17.123Z',
      '2026-11-24 07:45:17.123',
      'connect ECONNREFUSED 192.168.100.200:7233',
      '',
    ])
      expect(maskPans(text)).toBe(text);
  });

  it('leaves UUIDs and digests whole, whatever the digits in them', () => {
    for (const text of [
      '51860017-0000-4972-8600-00000000000a',
      'ID 518600170000497286000000000000AB.',
      `x-${'5186001700009726'.repeat(3)}5186001700009abc`,
    ])
      expect(maskForeign(text)).toBe(text);
    for (const text of ['51860017-0000-9726-0000-00000000000a', '51860017-0000-4972-8600-000000000000'])
      expect(maskPans(text)).not.toBe(text);
  });

  it('leaves 50,000 random UUIDs whole that stand beside each other', () => {
    const text = randomIds(50_000).join(' ');
    expect(maskForeign(text) === text).toBe(true);
    expect(maskPersonal(text) === text).toBe(true);
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
        // Digits with a letter among them may happen to be a UUID, which stays whole.
        fc.pre(!UUID.test(text));
        const masked = maskPans(text);
        expect(survivors(masked)).toEqual([]);
        expect(masked).toHaveLength(text.length);
        expect(maskPans(masked)).toBe(masked);
        // Nothing but digits is ever replaced, also percent-encoded ones, and only by asterisks.
        for (let i = 0; i < text.length; i += 1)
          if (masked[i] !== text[i]) expect(text.charAt(i) + masked.charAt(i)).toMatch(/^[\p{N}%A-Fa-f]\*$/u);
      }),
      { numRuns: 1_000 },
    );
  });

  it('leaves a text without digits as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!/\p{N}/u.test(text.normalize('NFKC')));
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
    ['ana＠example.com and ana%2540example%2Ecom', '*************** and *********************'],
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

describe('maskPersonal', () => {
  it.each([
    ['card 5186 0017 0000 9726', 'card **** **** **** 9726'],
    ['of ana@example.com, gone', 'of ***************, gone'],
    ['of ana%40example%2Ecom', 'of *******************'],
    ['call +1 (201) 555-0123 now', 'call +**************** now'],
    ['call %2B44%207700%20900123', 'call %2B******************'],
    ['call ＋٤٤٧٧٠٠٩٠٠١٢٣', 'call ＋************'],
  ])('masks card numbers, e-mail addresses and international phone numbers: %j', (text, masked) => {
    expect(maskPersonal(text)).toBe(masked);
  });

  it('leaves what programs write of themselves', () => {
    for (const text of [
      '    at f (file:///srv/c2p/node_modules/@temporalio/worker/lib/worker.js:1234:56)',
      '/srv/node_modules/.pnpm/@temporalio+worker@1.24.0/node_modules/x.js',
      'identity 12345@worker-0',
      'batch-enrollment/demo/2026-11-24-debit-0001',
      '2026-11-24T07:45:17.123+02:00 took 1234567 ms',
      'connect ECONNREFUSED 192.168.100.200:7233',
    ])
      expect(maskPersonal(text)).toBe(text);
  });
});

describe('maskForeign', () => {
  it.each(Object.keys(NUMBER_SPELLINGS))('finds a phone number written %s', (spelling) => {
    const written = NUMBER_SPELLINGS[spelling]!('2015550123');
    const text = `of ${written}: gone`;
    const masked = maskForeign(text);
    expect(masked).toMatch(/^of [^\p{N}]+: gone$/u);
    expect(masked).toHaveLength(text.length);
  });

  it.each(['b-2015550123', 'ana@bank', 'ana%40bank', '5186001700009726'])('masks the id %j', (id) => {
    expect(maskForeign(id)).not.toBe(id);
  });

  it.each(['f1f225ed-4b1e-40c2-b522-42197061dc5a', 'debit-000001', '9ajN4bXv2qLm', 'sim.2026-11'])(
    'leaves the id %j',
    (id) => {
      expect(maskForeign(id)).toBe(id);
    },
  );
});

it('shows a URL without its query and fragment, also where a line break is in them', () => {
  expect(withoutQuery('https://store.example/a.csv?sig=x\ny')).toBe('https://store.example/a.csv');
  expect(withoutQuery('https://store.example/a.csv#x?y')).toBe('https://store.example/a.csv');
  expect(withoutQuery('https://store.example/a.csv')).toBe('https://store.example/a.csv');
});
