import type { BatchKey } from './batch.js';

/** `externalBatchId`, `externalConsumerId`, `externalCardId`: our proposal, see the contract. */
export const EXTERNAL_ID_PATTERN = /^[A-Za-z0-9._:-]{1,64}$/;

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
 * Whether a text holds what may be a card number: 13 to 19 digits that pass Luhn, written as one run or
 * as neighbouring runs with spaces, dots, dashes, underscores or colons between them (also beside other
 * runs, as in `order-7-4111111111111111`). External ids travel in clear (workflow ids, search
 * attributes, reports), so one that looks like a card number is refused; of numbers of that length that
 * are none, one in ten looks like one.
 */
export function looksLikePan(text: string): boolean {
  for (const [neighbours] of text.matchAll(/\d+(?:[ ._:-]+\d+)*/g)) {
    const runs = neighbours.split(/\D+/);
    for (let first = 0; first < runs.length; first += 1) {
      let digits = '';
      for (let next = first; next < runs.length && digits.length < 19; next += 1) {
        digits += runs[next];
        if (digits.length >= 13 && digits.length <= 19 && passesLuhn(digits)) return true;
      }
    }
  }
  return false;
}

/** The workflow id of a batch: the same batch always has the same one. */
export function workflowIdOf({ program, externalBatchId }: BatchKey): string {
  return `batch-enrollment/${program}/${externalBatchId}`;
}

/** The `externalBatchId` that a round is sent under: the batch's own in round 1, then `~2`, `~3`, … */
export function roundBatchId(externalBatchId: string, round: number): string {
  return round === 1 ? externalBatchId : `${externalBatchId}~${round}`;
}

/** The task queue of a program's calls to Mastercard; workflows and local work are on `taskQueue`. */
export function gatewayTaskQueue(taskQueue: string, program: string): string {
  return `${taskQueue}-${program}`;
}
