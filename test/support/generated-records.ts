import fc from 'fast-check';
import type { Card, EnrollmentRecord } from '../../enrollment/records.js';
import { panOfLength } from '../enrollment/generators.js';
import { needlesOf, type Needle } from './leak-search.js';

/** Letters of one to three bytes in UTF-8, of the Latin, Greek, Cyrillic and Han scripts. */
const letter = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyzàçéîñöøßźžőșğλωжя漢字');
const name = fc
  .array(letter, { minLength: 9, maxLength: 14 })
  .map((letters) => letters.join(''))
  .map((text) => text.charAt(0).toUpperCase() + text.slice(1));
const mailbox = fc.stringMatching(/^[a-z]{5}[a-z0-9]{4,8}[.+_-][a-z0-9]{4,6}$/);
/** German mobile numbers: 11 digits. */
const phoneNumber = fc.stringMatching(/^151\d{8}$/);

/** A valid record of one card, every value of which is unlike all others. */
const record = fc
  .record({
    given: name,
    family: name,
    street: name,
    mailbox,
    phoneNumber,
    pan: fc.oneof(panOfLength(16, 16), panOfLength(19, 19)),
  })
  .map(
    ({
      given,
      family,
      street,
      mailbox: local,
      phoneNumber: phone,
      pan,
    }): Omit<EnrollmentRecord, 'cards'> & {
      card: Omit<Card, 'externalCardId'>;
    } => ({
      externalConsumerId: '',
      consumer: {
        emailAddress: `${local}@example.com`,
        mobileNumber: { countryCode: '49', phoneNumber: phone },
        firstName: given,
        lastName: family,
        locale: { country: 'DE', language: 'de' },
      },
      card: {
        primaryAccountNumber: pan,
        panExpirationMonth: '10',
        panExpirationYear: '2040',
        billingAddress: { name: `${given} ${family}`, line1: `${street} 1`, countryCode: 'DE' },
      },
    }),
  );

/** Valid records of one card each, the same for the same seed. */
export function generatedRecords(count: number, seed: number): EnrollmentRecord[] {
  return fc.sample(record, { seed, numRuns: count }).map(({ card, ...rest }, index) => ({
    ...rest,
    externalConsumerId: `cust-${index + 1}`,
    cards: [{ ...card, externalCardId: `card-${index + 1}` }],
  }));
}

/** Everything in a record that must not be read anywhere, and what it is. */
export function valuesOfRecord({
  externalConsumerId,
  consumer,
  cards,
}: EnrollmentRecord): [of: string, value: string][] {
  const { emailAddress, mobileNumber, firstName, lastName } = consumer;
  return [
    [`e-mail address of ${externalConsumerId}`, emailAddress],
    [`phone number of ${externalConsumerId}`, mobileNumber.phoneNumber],
    [`first name of ${externalConsumerId}`, firstName],
    [`last name of ${externalConsumerId}`, lastName],
    ...cards.flatMap(({ externalCardId, primaryAccountNumber, billingAddress }): [string, string][] => [
      [`number of ${externalCardId}`, primaryAccountNumber],
      ...(billingAddress?.line1
        ? [[`street of ${externalCardId}`, billingAddress.line1] as [string, string]]
        : []),
    ]),
  ];
}

export function needlesOfRecord(record: EnrollmentRecord): Needle[] {
  return valuesOfRecord(record).flatMap(([of, value]) => needlesOf(of, value));
}
