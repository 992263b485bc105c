import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRetryAfter } from '../../mastercard/retry-after.js';

const NOW = Date.parse('2026-11-24T12:00:00Z');
const DAY = 24 * 60 * 60 * 1_000;

describe('parseRetryAfter', () => {
  it.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Tue, 24 Nov 2026 12:00:30 GMT', 30_000],
    ['Tuesday, 24-Nov-26 12:00:30 GMT', 30_000],
    ['Tue, 24 Nov 2026 11:00:00 GMT', 0],
  ])('reads %j', (value, delay) => {
    expect(parseRetryAfter(value, NOW)).toBe(delay);
  });

  it.each(['999999999999999999999999', '86401', 'Fri, 24 Nov 2126 12:00:00 GMT'])(
    'caps %j at a day',
    (value) => {
      expect(parseRetryAfter(value, NOW)).toBe(DAY);
    },
  );

  it.each([
    undefined,
    '',
    'soon',
    '-5',
    '1.5',
    '1e3',
    '0x10',
    '2026-11-24T12:00:30Z',
    'Tue, 99 Foo 2026 GMT',
  ])('ignores %j', (value) => {
    expect(parseRetryAfter(value, NOW)).toBeUndefined();
  });

  it('reads every HTTP date to the second, and gives 0 to a day for anything', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400 }), (seconds) => {
        expect(parseRetryAfter(new Date(NOW + seconds * 1_000).toUTCString(), NOW)).toBe(seconds * 1_000);
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        const delay = parseRetryAfter(text, NOW) ?? 0;
        expect(delay >= 0 && delay <= DAY).toBe(true);
      }),
    );
  });
});
