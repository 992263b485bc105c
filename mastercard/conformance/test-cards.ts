import type { EnrollmentRecord } from '../../enrollment/records.js';

/**
 * A card number that Mastercard's documentation shows, of a person who does not exist. The other one that it shows,
 * 5204731600014780, fails the Luhn check.
 */
export const TEST_CARDS: readonly EnrollmentRecord[] = [
  {
    externalConsumerId: 'c2p-test',
    consumer: {
      emailAddress: 'c2p-test@example.com',
      mobileNumber: { countryCode: '1', phoneNumber: '2015550101' },
      firstName: 'Test',
      lastName: 'Cardholder',
      locale: { country: 'US', language: 'en' },
    },
    cards: [
      {
        externalCardId: 'c2p-test-card',
        primaryAccountNumber: '5186001700009726',
        panExpirationMonth: '12',
        panExpirationYear: '2035',
        billingAddress: { line1: '1 Main St', city: 'Edison', state: 'NJ', countryCode: 'US', zip: '08820' },
      },
    ],
  },
];
