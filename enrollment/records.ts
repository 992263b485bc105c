/**
 * What an issuer hands over: one consumer with their cards. Names, nesting and limits are those of
 * the plaintext of `enrollmentData`; the zod schemas that check them are in `schemas.ts`.
 */

export interface MobileNumber {
  /** Digits of the country calling code, without `+`. */
  countryCode: string;
  /** Digits of the national number, without the country code. */
  phoneNumber: string;
}

export interface Locale {
  /** ISO 3166-1 alpha-2. */
  country: string;
  /** ISO 639-1. */
  language: string;
}

export interface AcceptedDocument {
  acceptedVersion: string;
  latestVersion?: string | undefined;
  latestVersionUri?: string | undefined;
}

export interface Communications {
  communicationsOptIn?: boolean | undefined;
  affiliateCommunicationsOptIn?: boolean | undefined;
  allowEmail?: boolean | undefined;
  allowText?: boolean | undefined;
  allowCall?: boolean | undefined;
  allowPush?: boolean | undefined;
}

export interface ComplianceSettings {
  privacy?: AcceptedDocument | undefined;
  tnc?: AcceptedDocument | undefined;
  cookie?: AcceptedDocument | undefined;
  geoLocation?: AcceptedDocument | undefined;
  communications?: Communications | undefined;
}

export interface Consumer {
  emailAddress: string;
  mobileNumber: MobileNumber;
  firstName: string;
  lastName: string;
  locale: Locale;
  complianceSettings?: ComplianceSettings | undefined;
}

export interface BillingAddress {
  name?: string | undefined;
  line1?: string | undefined;
  line2?: string | undefined;
  line3?: string | undefined;
  city?: string | undefined;
  state?: string | undefined;
  countryCode?: string | undefined;
  zip?: string | undefined;
}

export interface Card {
  externalCardId: string;
  /** 16 to 19 digits with a valid Luhn check digit. */
  primaryAccountNumber: string;
  /** Two digits, `01` to `12`. */
  panExpirationMonth: string;
  /** Four digits. */
  panExpirationYear: string;
  billingAddress?: BillingAddress | undefined;
}

/** One consumer with their cards, as the issuer supplies it. */
export interface EnrollmentRecord {
  externalConsumerId: string;
  consumer: Consumer;
  cards: Card[];
}

/** Names one card of a batch without saying anything about it. */
export interface CardKey {
  externalConsumerId: string;
  externalCardId: string;
}

/** The cards of the records, in order. */
export function cardKeysOf(records: readonly EnrollmentRecord[]): CardKey[] {
  return records.flatMap(({ externalConsumerId, cards }) =>
    cards.map(({ externalCardId }) => ({ externalConsumerId, externalCardId })),
  );
}

/** The records with only those of their cards that `keys` names; records without any are left out. */
export function recordsOf(
  records: readonly EnrollmentRecord[],
  keys: readonly CardKey[],
): EnrollmentRecord[] {
  const wanted = new Set(
    keys.map(({ externalConsumerId, externalCardId }) => `${externalConsumerId} ${externalCardId}`),
  );
  return records.flatMap((record) => {
    const cards = record.cards.filter(({ externalCardId }) =>
      wanted.has(`${record.externalConsumerId} ${externalCardId}`),
    );
    return cards.length > 0 ? [{ ...record, cards }] : [];
  });
}
