import type { BatchKey } from './batch.js';

/**
 * What c2p itself demands of ids: they are parts of workflow ids, folders and reports. An `EnrollmentApi` may allow
 * less.
 */
export const EXTERNAL_ID_PATTERN = /^[A-Za-z0-9._:-]{1,64}$/;
export const LONGEST_EXTERNAL_ID = 64;

/** Names of programs: they become part of task queues, workflow ids and folder names. */
export const PROGRAM_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

/** The Luhn check (ISO/IEC 7812-1, annex B) over a string of digits. */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = digits.length - 1, double = false; i >= 0; i -= 1, double = !double) {
    const digit = digits.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return false;
    const value = double ? digit * 2 : digit;
    sum += value > 9 ? value - 9 : value;
  }
  return digits.length > 0 && sum % 10 === 0;
}

/**
 * External ids travel in clear (workflow ids, search attributes, folders, reports), so one that looks like a card number is
 * refused. Of innocent random ids that hold so many digits in a row, these are refused: none of up to 12; one in ten of 13 to 16, and of
 * times in milliseconds; 12 to 14 in a hundred of 17 to 19; 5 in a hundred of 20, 9 of 24; 2 in a thousand of 32
 * hexadecimal digits; no UUID, with dashes or without.
 */
export { looksLikePan } from '../protection/mask.js';

/** Whether an id holds a card number whatever stands between its digits. */
export function holdsPan(id: string, pans: ReadonlySet<string>): boolean {
  const digits = id.replace(/\D+/g, '');
  for (let start = 0; start + SHORTEST_PAN <= digits.length; start += 1)
    for (let end = start + SHORTEST_PAN; end <= Math.min(digits.length, start + LONGEST_PAN); end += 1)
      if (pans.has(digits.slice(start, end))) return true;
  return false;
}

/** The card numbers of a record as it was handed over, valid or not: digits with whatever between them. */
export function pansOf(record: unknown): Set<string> {
  const { cards } = (record ?? {}) as { cards?: unknown };
  const numbers = (Array.isArray(cards) ? (cards as unknown[]) : []).map((card) => {
    const { primaryAccountNumber: number } = (card ?? {}) as { primaryAccountNumber?: unknown };
    return typeof number === 'string' || typeof number === 'number' ? String(number).replace(/\D+/g, '') : '';
  });
  return new Set(numbers.filter(({ length }) => length >= SHORTEST_PAN && length <= LONGEST_PAN));
}

/** How long what stands in the place of a card number may be to be looked for in ids: networks issue 13 to 19 digits, the API takes 20. */
const SHORTEST_PAN = 13;
const LONGEST_PAN = 20;

/** The workflow id of a batch: the same batch always has the same one. */
export function workflowIdOf({ program, externalBatchId }: BatchKey): string {
  return `batch-enrollment/${program}/${externalBatchId}`;
}

/** The task queue of a program's calls to Mastercard; workflows and local work are on `taskQueue`. */
export function gatewayTaskQueue(taskQueue: string, program: string): string {
  return `${taskQueue}-${program}`;
}
