import languages from '@cospired/i18n-iso-languages';
import countries from 'i18n-iso-countries';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { z } from 'zod';
import { hasLength } from './has-length.js';
import { EXTERNAL_ID_PATTERN, LONGEST_EXTERNAL_ID, looksLikePan, passesLuhn } from './identifiers.js';
import type { RecordRules, TextRule } from './record-rules.js';
import type { MobileNumber } from './records.js';

/**
 * What can be wrong with a record. These codes are what operators and issuers' programs see in the
 * details of an INVALID outcome: never rename one.
 *
 * - `required`: absent, or nothing but white space
 * - `type`: there, but of another JSON type
 * - `format`: not of the alphabet or pattern of the field
 * - `too_short`, `too_long`: of another length than the field may have
 * - `luhn`: the card number's check digit is wrong, so it was mistyped
 * - `month`: not `01` to `12`
 * - `expired`: the card's last month has passed
 * - `country`, `language`: not a code of ISO 3166-1 alpha-2, ISO 639-1
 * - `phone_implausible`: no phone number of that country calling code has this form
 * - `looks_like_pan`: an external id that may be a card number; ids are readable in many places
 * - `invisible_characters`: a name or a part of an address with control characters in it, or with nothing that can be seen
 * - `unknown_field`: the object at this path has a field that is not in the contract
 * - `duplicate_external_consumer_id`, `duplicate_external_card_id`: used more than once in the batch
 */
export const ISSUE_CODES = [
  'required',
  'type',
  'format',
  'too_short',
  'too_long',
  'luhn',
  'month',
  'expired',
  'country',
  'language',
  'phone_implausible',
  'looks_like_pan',
  'invisible_characters',
  'unknown_field',
  'duplicate_external_consumer_id',
  'duplicate_external_card_id',
] as const;

export type IssueCode = (typeof ISSUE_CODES)[number];

/*
 * Every message in these schemas is an `IssueCode`: zod's own messages can quote the input (the names
 * of unrecognised keys, for one), and are not used. Checks that cannot go on after a failure `abort`,
 * so that a field has one code.
 */
const fail = (error: IssueCode): { error: IssueCode; abort: true } => ({ error, abort: true });
const lengthFails = (error: IssueCode) => ({ ...fail(error), ...hasLength });

function structural(issue: { code: string; input?: unknown }): IssueCode {
  if (issue.code === 'unrecognized_keys') return 'unknown_field';
  return issue.input === undefined ? 'required' : 'type';
}

const string = () => z.string({ error: structural });
const object = <T extends z.core.$ZodLooseShape>(shape: T) => z.strictObject(shape, { error: structural });

/** Free text that must be there. White space around it is dropped. */
const requiredText = () => string().trim().min(1, lengthFails('required'));

/** What acts on who shows it, or is no character: controls, line separators, overrides of direction, lone surrogates. */
const CONTROL = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u;
/** U+2800 is the blank of Braille. */
const VISIBLE = /[^\p{C}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Empty text is for another check. What joins and parts letters (U+200C, U+200D) belongs to names of many scripts. */
const isVisible = (text: string): boolean => text === '' || (VISIBLE.test(text) && !CONTROL.test(text));

/** Free text that may be left out; empty is the same as absent. White space around it is dropped. */
const optionalText = (maximum: number) =>
  string()
    .trim()
    .max(maximum, lengthFails('too_long'))
    .refine(isVisible, fail('invisible_characters'))
    .transform((text) => text || undefined)
    .optional();

/** `externalConsumerId` and `externalCardId`. Compared and sent as they are: nothing is dropped or changed. */
const externalIdSchema = ({ pattern, longest }: Pick<TextRule, 'pattern' | 'longest'>) =>
  string()
    .min(1, lengthFails('required'))
    .max(Math.min(longest, LONGEST_EXTERNAL_ID), lengthFails('too_long'))
    .regex(EXTERNAL_ID_PATTERN, fail('format'))
    .regex(pattern, fail('format'))
    .refine((id) => !looksLikePan(id), fail('looks_like_pan'));

/** An id by which c2p can name a record, whatever the API says. */
export const ownIdSchema = externalIdSchema({ pattern: EXTERNAL_ID_PATTERN, longest: LONGEST_EXTERNAL_ID });

// XK (Kosovo) is in the library, but "user-assigned": not a code of ISO 3166-1.
const COUNTRIES = new Set(Object.keys(countries.getAlpha2Codes()).filter((code) => code !== 'XK'));
const LANGUAGES = new Set(Object.keys(languages.getAlpha2Codes()));

// Letters first: upper-casing makes other characters into letters (ß into SS, which is South Sudan).
const countryCode = () =>
  string()
    .min(1, lengthFails('required'))
    .regex(/^[A-Za-z]{2}$/, fail('country'))
    .toUpperCase()
    .refine((code) => COUNTRIES.has(code), fail('country'));

const languageCode = () =>
  string()
    .min(1, lengthFails('required'))
    .regex(/^[A-Za-z]{2}$/, fail('language'))
    .toLowerCase()
    .refine((code) => LANGUAGES.has(code), fail('language'));

/**
 * Whether the number is possible for its country calling code (length, as the E.164 numbering plans
 * have it). A number that only is one once a national trunk prefix is taken off (the 0 of 07700 900123)
 * is not: it would be sent with it.
 */
function isPossible({ countryCode, phoneNumber }: MobileNumber): boolean {
  const parsed = parsePhoneNumberFromString(`+${countryCode}${phoneNumber}`);
  return (
    parsed !== undefined &&
    parsed.countryCallingCode === countryCode &&
    parsed.nationalNumber === phoneNumber &&
    parsed.isPossible()
  );
}

const DIGITS = /^\d+$/;

const mobileNumberSchema = object({
  countryCode: string().min(1, lengthFails('required')).regex(DIGITS, fail('format')),
  phoneNumber: string().min(1, lengthFails('required')).regex(DIGITS, fail('format')),
}).refine(isPossible, fail('phone_implausible'));

const acceptedDocumentSchema = object({
  acceptedVersion: requiredText(),
  latestVersion: requiredText().optional(),
  latestVersionUri: requiredText().optional(),
});

const flag = () => z.boolean({ error: structural }).optional();

const complianceSettingsSchema = object({
  privacy: acceptedDocumentSchema.optional(),
  tnc: acceptedDocumentSchema.optional(),
  cookie: acceptedDocumentSchema.optional(),
  geoLocation: acceptedDocumentSchema.optional(),
  communications: object({
    communicationsOptIn: flag(),
    affiliateCommunicationsOptIn: flag(),
    allowEmail: flag(),
    allowText: flag(),
    allowCall: flag(),
    allowPush: flag(),
  }).optional(),
});

// The e-mail pattern of the HTML standard, with at least one dot in the domain.
const EMAIL =
  /^[\w.!#$%&'*+/=?^`{|}~-]+@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

const personName = (longest: number) =>
  requiredText().max(longest, lengthFails('too_long')).refine(isVisible, fail('invisible_characters'));

/** Who the cards belong to. Country codes come out in upper case, language codes in lower case. */
const consumerSchema = ({ emailAddress, firstName, lastName }: RecordRules['longest']) =>
  object({
    emailAddress: requiredText().max(emailAddress, lengthFails('too_long')).regex(EMAIL, fail('format')),
    mobileNumber: mobileNumberSchema,
    firstName: personName(firstName),
    lastName: personName(lastName),
    locale: object({ country: countryCode(), language: languageCode() }),
    complianceSettings: complianceSettingsSchema.optional(),
  });

const billingAddressSchema = ({ name, line, city, state, zip }: RecordRules['longest']['address']) =>
  object({
    name: optionalText(name),
    line1: optionalText(line),
    line2: optionalText(line),
    line3: optionalText(line),
    city: optionalText(city),
    state: optionalText(state),
    countryCode: string()
      .regex(/^([A-Za-z]{2})?$/, fail('country'))
      .toUpperCase()
      .refine((code) => code === '' || COUNTRIES.has(code), fail('country'))
      .transform((code) => code || undefined)
      .optional(),
    zip: optionalText(zip),
  }).transform((address) =>
    Object.values(address).some((written) => written !== undefined) ? address : undefined,
  );

const MONTH = /^(0[1-9]|1[0-2])$/;
const YEAR = /^\d{4}$/;

/** Whether a value could be a card's `panExpirationMonth`. */
export const isMonth = (value: unknown): boolean => typeof value === 'string' && MONTH.test(value);

/** Whether a value could be a card's `panExpirationYear`. */
export const isYear = (value: unknown): boolean => typeof value === 'string' && YEAR.test(value);

/** What the parts of a record may be, by the rules of an `EnrollmentApi`. */
export type RecordSchemas = ReturnType<typeof createSchemas>;

function createSchemas({ externalId, pan, longest }: RecordRules) {
  const id = externalIdSchema(externalId);
  return {
    externalId: id,
    consumer: consumerSchema(longest),
    /**
     * One card, but for whether it has expired: that depends on the day, see `validation.ts`. A card number
     * is never repaired: spaces or dashes in it are a `format` error.
     */
    card: object({
      externalCardId: id,
      primaryAccountNumber: string()
        .min(1, lengthFails('required'))
        .regex(DIGITS, fail('format'))
        .min(pan.shortest, lengthFails('too_short'))
        .max(pan.longest, lengthFails('too_long'))
        .refine(passesLuhn, fail('luhn')),
      panExpirationMonth: string().min(1, lengthFails('required')).regex(MONTH, fail('month')),
      panExpirationYear: string().min(1, lengthFails('required')).regex(YEAR, fail('format')),
      billingAddress: billingAddressSchema(longest.address).optional(),
    }),
    /** A record without its cards, which are judged one by one: `cards` is only an array with something in it. */
    record: object({
      externalConsumerId: id,
      consumer: consumerSchema(longest),
      cards: z.array(z.unknown(), { error: structural }).min(1, lengthFails('required')),
    }),
  };
}

/** To make them takes thirty times as long as to check a record. */
const schemasOf = new WeakMap<RecordRules, RecordSchemas>();

export function recordSchemas(rules: RecordRules): RecordSchemas {
  const known = schemasOf.get(rules);
  if (known) return known;
  const made = createSchemas(rules);
  schemasOf.set(rules, made);
  return made;
}
