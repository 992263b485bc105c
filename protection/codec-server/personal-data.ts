import type { Payload } from '@temporalio/common';
import { REDACTED_FIELDS } from '../logger.js';
import { maskEmails, maskPans } from '../mask.js';

/** Parts of a record: everything in them is personal, also what a later version of the API puts there. */
const PERSONAL_OBJECTS: ReadonlySet<string> = new Set(['consumer', 'cards', 'billingaddress', 'inline']);

/** Ids by which the issuer or Mastercard finds a person or a card: shown by their end. */
const PERSONAL_IDS: ReadonlySet<string> = new Set([
  'externalconsumerid',
  'externalcardid',
  'srcconsumerid',
  'srcdigitalcardid',
]);

const ID_SHOWN = 4;
const MASKED = '[masked]';

const JSON_ENCODINGS: ReadonlySet<string> = new Set(['json/plain', 'json/protobuf']);

/**
 * What may be shown of a decoded payload to who may look at workflows and not at persons: structure,
 * statuses and counts, but no value of a field that holds personal data, and no card number and no e-mail
 * address anywhere.
 * Of a payload that is not JSON, its size.
 */
export function maskPayload(payload: Payload): Payload {
  const encoding = text(payload.metadata?.['encoding']);
  if (encoding === 'binary/null') return payload;
  if (encoding === undefined || !JSON_ENCODINGS.has(encoding)) return sizeOf(payload);
  let value: unknown;
  try {
    value = JSON.parse(text(payload.data, 'utf8') ?? '');
  } catch {
    return sizeOf(payload);
  }
  return { ...payload, data: Buffer.from(JSON.stringify(mask(value))) };
}

function mask(value: unknown): unknown {
  if (typeof value === 'string') return maskEmails(maskPans(value));
  if (typeof value === 'number') return maskPans(String(value)) === String(value) ? value : MASKED;
  if (Array.isArray(value)) return value.map(mask);
  if (typeof value !== 'object' || value === null) return value;
  return entriesOf(value, (name, inner) => {
    // Counts have some of the same names.
    const isPersonal = PERSONAL_OBJECTS.has(name) && typeof inner !== 'number';
    if (isPersonal || REDACTED_FIELDS.has(name)) return maskPerson(inner, name);
    return PERSONAL_IDS.has(name) ? endOf(inner) : mask(inner);
  });
}

/** Within a person, every value is masked, whatever its field is called. */
function maskPerson(value: unknown, field: string): unknown {
  if (Array.isArray(value)) return value.map((inner) => maskPerson(inner, field));
  if (typeof value === 'object' && value !== null)
    return entriesOf(value, (name, inner) =>
      PERSONAL_IDS.has(name) ? endOf(inner) : maskPerson(inner, name),
    );
  if (value === null) return value;
  return field === 'primaryaccountnumber' ? endOf(value) : MASKED;
}

/** An id or a card number by its last characters; short ones not at all. */
function endOf(value: unknown): unknown {
  if (typeof value !== 'string' || value.length < 2 * ID_SHOWN) return MASKED;
  return `…${value.slice(-ID_SHOWN)}`;
}

function entriesOf(value: object, map: (name: string, inner: unknown) => unknown): object {
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      maskEmails(maskPans(name)),
      map(name.toLowerCase(), inner),
    ]),
  );
}

function sizeOf({ data }: Payload): Payload {
  return {
    metadata: { encoding: Buffer.from('json/plain') },
    data: Buffer.from(JSON.stringify(`${MASKED} ${data?.length ?? 0} bytes`)),
  };
}

function text(bytes: Uint8Array | null | undefined, encoding: BufferEncoding = 'latin1'): string | undefined {
  return bytes ? Buffer.from(bytes).toString(encoding) : undefined;
}
