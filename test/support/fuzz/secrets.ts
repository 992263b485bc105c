import assert from 'node:assert/strict';

/**
 * Cardholder data that inputs carry, in the place of values and of names, and that nothing may show. Each
 * is recognised wherever it comes out: none is part of what c2p itself says.
 */
export const SECRETS = {
  pan: '5186001700009726',
  longPan: '4000001234567890124',
  email: 'zyxanthia.quill+9@secret.example',
  name: 'Zyxanthia Ö. Quillfeather',
  phone: '+15557778899',
} as const;

export const SECRET_TEXTS: readonly string[] = Object.values(SECRETS);

/**
 * Everything that an error, or a value, can show when it is printed: messages, stacks, names, causes and
 * properties, enumerable or not, and the names of these.
 */
export function shownBy(value: unknown, seen = new Set<unknown>()): string {
  if (typeof value === 'symbol') return value.toString();
  if (typeof value !== 'object' || value === null) return String(value);
  if (seen.has(value)) return '';
  seen.add(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  return Reflect.ownKeys(value)
    .map((key) => `${String(key)}\n${shownBy((value as Record<PropertyKey, unknown>)[key], seen)}`)
    .join('\n');
}

/** Fails when one of the secrets is readable in a text, also with separators in it. */
export function expectNoSecret(text: string, secrets: readonly string[] = SECRET_TEXTS): void {
  const squeezedText = squeezed(text);
  const found = secrets.filter((secret) => squeezedText.includes(squeezed(secret)));
  assert.deepEqual(found, [], 'cardholder data can be read');
}

function squeezed(text: string): string {
  return text.replace(/[\s.+-]/g, '').toLowerCase();
}
