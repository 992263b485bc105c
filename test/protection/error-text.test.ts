import { DefaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorText, maskedError } from '../../protection/error-text.js';
import { createLogger } from '../../protection/logger.js';
import { thrown } from '../support/hostile-errors.js';
import { findLeaks, needlesOf } from '../support/leak-search.js';

/** The card numbers that can be read in a text, in whatever form. */
function readable(text: string, pans: string[]) {
  const needles = pans.flatMap((pan) => needlesOf(pan, pan));
  return findLeaks([{ name: 'text', bytes: Buffer.from(text, 'utf8') }], needles);
}

/** Where the texts of errors leave a process. */
const EXITS: Record<string, (error: unknown) => string> = {
  'its text': (error) => JSON.stringify(errorText(error)),
  'the log, as err': (error) => logged({ err: error }),
  'the log, as error beside others': (error) => logged({ error, other: { error } }),
  'a failure in a history, with the codec off': (error) =>
    JSON.stringify(new DefaultFailureConverter().errorToFailure(maskedError(error), defaultPayloadConverter)),
};

function logged(entry: object): string {
  let text = '';
  const destination = { write: (line: string) => void (text += line) };
  createLogger({ name: 'test', level: 'trace', destination }).error(entry, 'failed');
  expect(JSON.parse(text)).toMatchObject({ level: 'error', msg: 'failed' });
  return text;
}

describe('an error from anywhere', () => {
  it.each(Object.keys(EXITS))('shows no card number in %s', (exit) => {
    fc.assert(
      fc.property(thrown, ({ error, pans }) => {
        expect(readable(EXITS[exit]!(error), pans)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});

describe('errorText', () => {
  it('tells name, code, the messages of all causes, and where each was raised', () => {
    const cause = Object.assign(new RangeError('the reason'), { code: 'EREASON' });
    const error = Object.assign(new TypeError('the effect', { cause }), { code: 'EEFFECT' });
    const text = errorText(error);
    expect(text).toMatchObject({ type: 'TypeError', code: 'EEFFECT', message: 'the effect: the reason' });
    expect(text.stack).toMatch(
      /^TypeError: the effect\n\s+at [^]*error-text\.test\.ts[^]*\nRangeError: the reason\n\s+at /,
    );
  });

  it('tells what each of several errors says', () => {
    const errors = [new Error('connect ECONNREFUSED ::1'), new Error('connect ECONNREFUSED 127.0.0.1')];
    expect(errorText(new AggregateError(errors)).message).toBe(
      'connect ECONNREFUSED ::1: connect ECONNREFUSED 127.0.0.1',
    );
  });

  it('tells each error of a circle once', () => {
    const error = new Error('first');
    error.cause = new Error('second', { cause: error });
    expect(errorText(error).message).toBe('first: second');
  });

  it('does not tell what JSON.parse was given, which may be a name', () => {
    for (const input of ['{"firstName": Ana-Díaz}', 'Ana-Díaz', '[1, "Ana-Díaz"'.padEnd(200, ' ') + 'x'])
      expect(() => JSON.parse(input) as unknown).toThrow(
        expect.toSatisfy((error: unknown) => !JSON.stringify(errorText(error)).includes('Díaz')) as Error,
      );
  });

  it('tells a text that was thrown', () => {
    expect(errorText('a text')).toMatchObject({ type: 'Error', message: 'a text' });
  });
});
