import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gatewayTaskQueue, looksLikePan, passesLuhn, workflowIdOf } from '../../enrollment/identifiers.js';
import { randomIds } from '../support/random-ids.js';
import { checkDigit, panOfLength } from './generators.js';

const PAN = '5186001700009726';

describe('passesLuhn', () => {
  test('accepts what ends in its check digit, of any length', () => {
    expect(passesLuhn(PAN)).toBe(true);
    fc.assert(fc.property(panOfLength(13, 19), (pan) => passesLuhn(pan)));
  });

  test("refuses one of the two sample numbers in Mastercard's documentation, whose check digit is wrong", () => {
    expect(passesLuhn('5204731600014780')).toBe(false);
    expect(checkDigit('520473160001478')).toBe('4');
  });

  test('refuses text that is empty or not digits', () => {
    expect(passesLuhn('')).toBe(false);
    expect(passesLuhn('5186 0017 0000 9726')).toBe(false);
    expect(passesLuhn('٠')).toBe(false);
  });

  test('refuses every single digit mistyped', () => {
    fc.assert(
      fc.property(panOfLength(16, 19), fc.nat(), fc.integer({ min: 1, max: 9 }), (pan, place, shift) => {
        const at = place % pan.length;
        const digit = (Number(pan[at]) + shift) % 10;
        expect(passesLuhn(pan.slice(0, at) + digit + pan.slice(at + 1))).toBe(false);
      }),
    );
  });
});

describe('looksLikePan', () => {
  test('finds a card number whatever separates its groups and whatever stands beside it', () => {
    const separator = fc.constantFrom('', ' ', '-', '.', ':', '_', '--');
    const beside = fc.constantFrom('', 'card-', 'x', 'order-7-', '2026_', 'é ');
    fc.assert(
      fc.property(panOfLength(13, 19), separator, beside, beside, (pan, gap, before, after) => {
        const written = (pan.match(/.{1,4}/g) ?? []).join(gap);
        expect(looksLikePan(`${before}${written}${[...after].reverse().join('')}`)).toBe(true);
      }),
    );
  });

  test.each([
    `${PAN}01`,
    `${PAN}1030`,
    `${PAN}-10-2030`,
    `12345${PAN}`,
    '2026-11-24:5186_0017_0000_9726-0001',
    '99222100000000000999',
    '９９５１８６００１７００００９７２６01',
  ])('finds the number of a Mastercard card with other digits beside it: %s', (id) => {
    expect(looksLikePan(id)).toBe(true);
  });

  test('leaves UUIDs alone, with dashes and without', () => {
    expect(randomIds(50_000).filter(looksLikePan)).toEqual([]);
  });

  test('leaves alone what is too short, too long or mistyped', () => {
    expect(looksLikePan('card-0001')).toBe(false);
    expect(looksLikePan('2026-11-debit-0001')).toBe(false);
    expect(looksLikePan('520473160001')).toBe(false);
    expect(looksLikePan(PAN.replace(/6$/, '7'))).toBe(false);
    expect(looksLikePan('123454111111111111111')).toBe(false);
    expect(looksLikePan('')).toBe(false);
  });
});

describe('ids of a batch', () => {
  test('the workflow id names program and batch, the gateway task queue the program', () => {
    expect(workflowIdOf({ program: 'demo', externalBatchId: 'b-1' })).toBe('batch-enrollment/demo/b-1');
    expect(gatewayTaskQueue('c2p', 'demo')).toBe('c2p-demo');
  });
});
