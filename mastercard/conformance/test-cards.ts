import type { EnrollmentRecord } from '../../enrollment/records.js';

/** Card numbers that Mastercard's documentation shows, of persons who do not exist. */
export const TEST_CARDS: readonly EnrollmentRecord[] = [
  testCard(1, '5204731600014780'),
  testCard(2, '5186001700009726'),
];

function testCard(n: number, primaryAccountNumber: string): EnrollmentRecord {
  return {
    externalConsumerId: `c2p-test-${n}`,
    consumer: {
      emailAddress: `c2p-test-${n}@example.com`,
      mobileNumber: { countryCode: '1', phoneNumber: `201555010${n}` },
      firstName: 'Test',
      lastName: 'Cardholder',
      locale: { country: 'US', language: 'en' },
    },
    cards: [
      {
        externalCardId: `c2p-test-card-${n}`,
        primaryAccountNumber,
        panExpirationMonth: '12',
        panExpirationYear: '2035',
        billingAddress: { line1: '1 Main St', city: 'Edison', state: 'NJ', countryCode: 'US', zip: '08820' },
      },
    ],
  };
}
