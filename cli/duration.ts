import { InvalidArgumentError } from 'commander';
import ms from 'ms';

/** An option's duration such as `1h` or `2d`, in ms. */
export function duration(text: string): number {
  const parsed = /^\d+ ?[a-z]+$/i.test(text) ? ms(text as ms.StringValue) : undefined;
  if (parsed === undefined || !Number.isFinite(parsed))
    throw new InvalidArgumentError('give a duration such as 1h or 2d.');
  return parsed;
}
