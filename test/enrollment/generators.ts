import fc from 'fast-check';
import type { Card, CardKey, EnrollmentRecord } from '../../enrollment/records.js';

/** The Luhn check digit of a card number without one, counted otherwise than the code under test does. */
export function checkDigit(digits: string): string {
  const sum = [...digits].reverse().reduce((total, digit, place) => {
    const doubled = String(Number(digit) * (place % 2 === 0 ? 2 : 1));
    return total + [...doubled].reduce((part, part2) => part + Number(part2), 0);
  }, 0);
  return String((10 - (sum % 10)) % 10);
}

/** Digits that pass Luhn. */
export function panOfLength(minimum: number, maximum: number): fc.Arbitrary<string> {
  return fc
    .stringMatching(new RegExp(`^[1-9][0-9]{${minimum - 2},${maximum - 2}}$`))
    .filter((digits) => digits.length >= minimum - 1 && digits.length <= maximum - 1)
    .map((digits) => digits + checkDigit(digits));
}

/** Keys from a small set, so that duplicates happen. */
export const cardKeys: fc.Arbitrary<CardKey> = fc.record({
  externalConsumerId: fc.constantFrom('c1', 'c2', 'c3'),
  externalCardId: fc.constantFrom('k1', 'k2', 'k3', '","'),
});

/** A valid card; the number is fictitious. */
export function card(externalCardId: string, changes: Partial<Record<keyof Card, unknown>> = {}): Card {
  return {
    externalCardId,
    primaryAccountNumber: '5186001700009726',
    panExpirationMonth: '10',
    panExpirationYear: '2030',
    ...changes,
  } as Card;
}

/** A valid consumer's record with the given cards. */
export function record(externalConsumerId: string, cards: unknown[], changes: object = {}): EnrollmentRecord {
  return {
    externalConsumerId,
    consumer: {
      emailAddress: 'ana@example.com',
      mobileNumber: { countryCode: '1', phoneNumber: '5555550100' },
      firstName: 'Ana',
      lastName: 'Díaz',
      locale: { country: 'US', language: 'en' },
      ...changes,
    },
    cards,
  } as EnrollmentRecord;
}
