import type { BlobRef } from '../../enrollment/batch.js';
import { Blob } from '../../enrollment/blobs.js';
import { passesLuhn } from '../../enrollment/identifiers.js';
import type { Card, EnrollmentRecord } from '../../enrollment/records.js';

/** A Luhn-valid 16-digit card number in a fictitious range; the same `n` gives the same number. */
export function testPan(n: number): string {
  const stem = `52047316${String(n).padStart(7, '0')}`;
  for (let check = 0; check <= 9; check += 1) {
    if (passesLuhn(`${stem}${check}`)) return `${stem}${check}`;
  }
  throw new Error('unreachable: one check digit always fits');
}

/** The `n`th valid record, with `cards` cards. */
export function testRecord(n: number, cards = 1): EnrollmentRecord {
  return {
    externalConsumerId: `cust-${n}`,
    consumer: {
      emailAddress: `consumer${n}@example.com`,
      mobileNumber: { countryCode: '1', phoneNumber: '2015550123' },
      firstName: 'Ana',
      lastName: `Example${n}`,
      locale: { country: 'US', language: 'en' },
    },
    cards: Array.from({ length: cards }, (_, index) => testCard(n * 100 + index)),
  };
}

export function testCard(n: number): Card {
  return {
    externalCardId: `card-${n}`,
    primaryAccountNumber: testPan(n),
    panExpirationMonth: '10',
    panExpirationYear: '2040',
  };
}

/** `count` valid records of one card each. */
export function testRecords(count: number): EnrollmentRecord[] {
  return Array.from({ length: count }, (_, index) => testRecord(index + 1));
}

/** What the JWE of a round is called that the workflow `chain-a` made. */
export const jweOf = (round: number): BlobRef =>
  Blob.enrollmentData(round, { chain: 'chain-a', recipient: 'key-a' });
