import { InvalidArgumentError } from 'commander';

/** A whole number of 0 or more, for commander's options. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('give a whole number.');
  return Number(text);
}
