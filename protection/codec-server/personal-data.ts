import type { Payload } from '@temporalio/common';
import { parseShallow } from '../json-depth.js';
import { maskEmails, maskPans, maskPersonal, withoutQuery } from '../mask.js';
import { isKnownName, kindsOf, type Kind } from './harmless.js';

/** Shown by their end: by which the issuer or Mastercard finds a person or a card. */
const SHOWN_BY_END: Readonly<Record<string, RegExp>> = {
  externalConsumerId: /^[\w.:-]{8,64}$/,
  externalCardId: /^[\w.:-]{8,64}$/,
  srcConsumerId: /^[\w.:-]{8,64}$/,
  srcDigitalCardId: /^[\w.:-]{8,64}$/,
  primaryAccountNumber: /^\d{13,19}$/,
};

const ID_SHOWN = 4;
/** Deeper than anything that c2p writes. */
const DEEPEST = 30;

/** No sentence of c2p's is as long. */
const LONGEST_TEXT = 10_000;
const WORD = /^[\w.~:+/-]{0,256}$/;
const POSITION = /^\d{1,6}$/;
/** More than c2p writes into one payload; to look at all of a larger one would hold others up. */
const MOST_BYTES = 512 * 1024;
const MOST_VALUES = 20_000;
/** Of milliseconds since the epoch, in this millennium. */
const LATEST_TIME = 1e14;

const JSON_ENCODINGS: ReadonlySet<string> = new Set(['json/plain', 'json/protobuf']);

/**
 * What may be shown of a decoded payload to who may look at workflows and not at persons: what c2p itself writes
 * (`harmless.ts`), without what looks personal in it. Of everything else, its structure and types; of ids and card
 * numbers, their end. A payload that is one text is shown as a sentence of c2p's: a summary, a detail.
 * Of a payload that is not JSON, or larger than what c2p writes, its size.
 */
export function maskPayload(payload: Payload): Payload {
  const encoding = text(payload.metadata?.['encoding']);
  if (encoding === 'binary/null') return { metadata: metadataOf(encoding), data: new Uint8Array() };
  if (encoding === undefined || !JSON_ENCODINGS.has(encoding)) return sizeOf(payload);
  if ((payload.data?.length ?? 0) > MOST_BYTES) return sizeOf(payload);
  let value: unknown;
  try {
    value = parseShallow(text(payload.data, 'utf8') ?? '');
  } catch {
    return sizeOf(payload);
  }
  return {
    metadata: metadataOf(encoding),
    data: Buffer.from(JSON.stringify(shown(value, { ...ROOT, left: { values: MOST_VALUES } }))),
  };
}

/** Where a value stands: in which field of which, and what it may be there. */
interface Place {
  name: string;
  kinds: ReadonlySet<Kind>;
  depth: number;
  /** How many values of the payload may still be shown. */
  left: { values: number };
}

const ROOT = { name: '', kinds: new Set<Kind>(['text', 'object']), depth: 0 };
const NOTHING: ReadonlySet<Kind> = new Set();
const OBJECT: ReadonlySet<Kind> = new Set(['object']);

function shown(value: unknown, place: Place): unknown {
  if (value === null) return null;
  if (typeof value === 'object') return shownInside(value, place);
  const end = endOf(value, place.name);
  if (end !== undefined) return end;
  if (typeof value === 'string') return shownText(value, place);
  const isHarmless = typeof value === 'number' ? isNumber(value, place.kinds) : place.kinds.has('flag');
  return isHarmless ? value : masked(typeof value);
}

function shownText(value: string, { kinds, depth }: Place): string {
  // No summary begins so: somebody's program has made JSON of its argument twice.
  if (depth === 0 && /^\s*[[{]/.test(value)) return masked('text');
  if (value.length > LONGEST_TEXT) return masked('text');
  if (kinds.has('text') || (kinds.has('word') && WORD.test(value))) return withoutPersonal(value);
  if (kinds.has('address') && URL.canParse(value)) return withoutPersonal(withoutQuery(value));
  return masked('text');
}

function isNumber(value: number, kinds: ReadonlySet<Kind>): boolean {
  if (kinds.has('time') && value >= 0 && value < LATEST_TIME) return true;
  if (kinds.has('share') && value >= 0 && value <= 1) return true;
  return kinds.has('count') && maskPans(String(value)) === String(value);
}

function shownInside(value: object, { name, kinds, depth, left }: Place): unknown {
  if (depth === DEEPEST) return masked(Array.isArray(value) ? 'list' : 'object');
  if (Array.isArray(value)) {
    // What c2p writes is no list, nor are there lists in its lists.
    const kindsIn = (inner: unknown) => (depth === 0 || Array.isArray(inner) ? NOTHING : kinds);
    const elements = firstOf(value as unknown[], left).map((inner) =>
      shown(inner, { name, kinds: kindsIn(inner), depth: depth + 1, left }),
    );
    const more = value.length - elements.length;
    return more === 0 ? elements : [...elements, masked(`${more} more`)];
  }
  const all = Object.entries(value);
  const fields = firstOf(all, left).map(([field, inner], index) => {
    if (kinds.has('byPosition') && POSITION.test(field))
      return [field, shown(inner, { name, kinds: OBJECT, depth: depth + 1, left })];
    const inside = kinds.has('object') ? kindsOf(name, field) : NOTHING;
    return [
      isKnownName(field) ? field : `[masked name ${index + 1}]`,
      shown(inner, { name: field, kinds: inside, depth: depth + 1, left }),
    ];
  });
  const more = all.length - fields.length;
  return Object.fromEntries(more === 0 ? fields : [...fields, ['[masked names]', masked(`${more} more`)]]);
}

function firstOf<T>(values: readonly T[], left: Place['left']): T[] {
  const first = values.slice(0, left.values);
  left.values -= first.length;
  return first;
}

/** An id or a card number by its last characters; one that has not the form of such not at all. */
function endOf(value: unknown, name: string): string | undefined {
  if (typeof value !== 'string' || !Object.hasOwn(SHOWN_BY_END, name)) return undefined;
  return SHOWN_BY_END[name]?.test(value) ? `…${value.slice(-ID_SHOWN)}` : masked('text');
}

function withoutPersonal(value: string): string {
  return maskEmails(maskPersonal(value));
}

function masked(type: string): string {
  return `[masked ${type}]`;
}

function metadataOf(encoding: string): Record<string, Uint8Array> {
  return { encoding: Buffer.from(encoding) };
}

function sizeOf({ data }: Payload): Payload {
  return {
    metadata: metadataOf('json/plain'),
    data: Buffer.from(JSON.stringify(masked(`${data?.length ?? 0} bytes`))),
  };
}

function text(bytes: Uint8Array | null | undefined, encoding: BufferEncoding = 'latin1'): string | undefined {
  return bytes ? Buffer.from(bytes).toString(encoding) : undefined;
}
