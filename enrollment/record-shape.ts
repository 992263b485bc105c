import type { EnrollmentRecord } from './records.js';

/** Which fields a value may have: a list has one shape for all its elements; null is what has no fields, a text for one. */
export type Shape = null | readonly [Shape] | { readonly [field: string]: Shape };

type ShapeOf<T> = T extends readonly (infer Element)[]
  ? readonly [ShapeOf<Element>]
  : T extends object
    ? { readonly [Field in keyof T]-?: ShapeOf<NonNullable<T[Field]>> }
    : null;

const DOCUMENT = { acceptedVersion: null, latestVersion: null, latestVersionUri: null };

/**
 * The fields of a record as `schemas.ts` has them, for workflows: with the schemas, zod and the lists of countries and
 * phone numbers would be part of every workflow's code.
 */
export const RECORD_SHAPE: ShapeOf<EnrollmentRecord> = {
  externalConsumerId: null,
  consumer: {
    emailAddress: null,
    mobileNumber: { countryCode: null, phoneNumber: null },
    firstName: null,
    lastName: null,
    locale: { country: null, language: null },
    complianceSettings: {
      privacy: DOCUMENT,
      tnc: DOCUMENT,
      cookie: DOCUMENT,
      geoLocation: DOCUMENT,
      communications: {
        communicationsOptIn: null,
        affiliateCommunicationsOptIn: null,
        allowEmail: null,
        allowText: null,
        allowCall: null,
        allowPush: null,
      },
    },
  },
  cards: [
    {
      externalCardId: null,
      primaryAccountNumber: null,
      panExpirationMonth: null,
      panExpirationYear: null,
      billingAddress: {
        name: null,
        line1: null,
        line2: null,
        line3: null,
        city: null,
        state: null,
        countryCode: null,
        zip: null,
      },
    },
  ],
};

/** The shape of values like this one. */
export function shapeLike(value: unknown): Shape {
  if (typeof value !== 'object' || value === null) return null;
  return Object.fromEntries(Object.entries(value).map(([field, inner]) => [field, shapeLike(inner)]));
}

/** How many problems one sentence names. */
const NAMED = 5;

/**
 * What a value has that its shape has not: a sentence with paths, without values, and without names that c2p does not
 * know, since anything may be in the place of a name. What is absent or null is for another check.
 */
export function shapeProblem(value: unknown, shape: Shape): string | undefined {
  const named: string[] = [];
  for (const problem of problemsOf(value, shape, '')) {
    if (named.length === NAMED) return [...named, 'and more'].join('; ');
    named.push(problem);
  }
  return named.length === 0 ? undefined : named.join('; ');
}

function* problemsOf(value: unknown, shape: Shape, path: string): Generator<string> {
  if (value === null || value === undefined) return;
  const [found, expected] = [kindOf(value), kindOf(shape)];
  if (found !== expected) yield expected ? `${path} must be ${expected}` : `${path} must not be ${found}`;
  else if (Array.isArray(value))
    for (const [index, element] of value.entries())
      yield* problemsOf(element, (shape as readonly [Shape])[0], `${path}[${index}]`);
  else if (found !== undefined) yield* fieldProblems(value, shape as Fields, path);
}

type Fields = Exclude<Shape, null | readonly unknown[]>;

function kindOf(value: unknown): 'a list' | 'an object' | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return Array.isArray(value) ? 'a list' : 'an object';
}

function* fieldProblems(value: object, shape: Fields, path: string): Generator<string> {
  let unknown = 0;
  for (const [field, inner] of Object.entries(value)) {
    const pathOfField = path === '' ? field : `${path}.${field}`;
    if (Object.hasOwn(shape, field)) yield* problemsOf(inner, shape[field] ?? null, pathOfField);
    else if (isNeverSent(field))
      yield `${pathOfField} must never be sent: security codes, PINs and track data may not be stored`;
    else unknown += 1;
  }
  if (unknown > 0) {
    const fields = unknown === 1 ? 'a field' : `${unknown} fields`;
    const allowed = Object.keys(shape).join(', ');
    yield `${path || 'the input'} has ${fields} that c2p does not know; it may have: ${allowed}`;
  }
}

/** What PCI DSS 3.3 forbids to keep, by the names that it commonly has. */
const NEVER_SENT =
  /^(?:card)?(?:cvv|cvc|cvn|csc|cid|cav|cvd)2?$|^(?:card)?(?:security|verification)(?:code|value|number)$|^pin(?:block)?$|^track[123]?(?:data)?$|^(?:mag|magnetic)stripe(?:data)?$/;

const LONGEST_NAME = 40;

function isNeverSent(field: string): boolean {
  return field.length <= LONGEST_NAME && NEVER_SENT.test(field.toLowerCase().replace(/[_-]/g, ''));
}
