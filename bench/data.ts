import { passesLuhn } from '../enrollment/identifiers.js';
import type { EnrollmentRecord } from '../enrollment/records.js';

/** What the cards' validity is judged by, so that every run does the same work. */
export const TODAY = new Date('2026-11-24T00:00:00Z');

/**
 * Valid records of one card each, complete as an issuer's are: billing address, compliance settings,
 * no two numbers the same. 250 of them are about 150 KB of JSON.
 */
export function benchRecords(count: number): EnrollmentRecord[] {
  return Array.from({ length: count }, (_, index) => record(index + 1));
}

function record(n: number): EnrollmentRecord {
  const lastName = `Example${n}`;
  return {
    externalConsumerId: `cust-${n}`,
    consumer: {
      emailAddress: `ana.${n}@example.com`,
      mobileNumber: { countryCode: '1', phoneNumber: `20155${String(50_000 + n).padStart(5, '0')}` },
      firstName: 'Ana',
      lastName,
      locale: { country: 'US', language: 'en' },
      complianceSettings: {
        privacy: { acceptedVersion: 'LATEST' },
        tnc: { acceptedVersion: 'LATEST' },
      },
    },
    cards: [
      {
        externalCardId: `card-${n}`,
        primaryAccountNumber: cardNumber(n),
        panExpirationMonth: '10',
        panExpirationYear: '2040',
        billingAddress: {
          name: `Ana ${lastName}`,
          line1: `${n} Main St`,
          city: 'Edison',
          state: 'NJ',
          countryCode: 'US',
          zip: '08820',
        },
      },
    ],
  };
}

/** 16 digits of an invented range, with a valid check digit. */
function cardNumber(n: number): string {
  const stem = `52047316${String(n).padStart(7, '0')}`;
  for (let check = 0; check < 9; check += 1) if (passesLuhn(`${stem}${check}`)) return `${stem}${check}`;
  return `${stem}9`;
}
