import assert from 'node:assert/strict';
import fc from 'fast-check';
import { InputError } from '../../cli/input/input-error.js';
import { card, record } from '../enrollment/generators.js';
import { damaged, noise } from '../support/fuzz/bytes.js';
import { fuzz } from '../support/fuzz/fuzz.js';
import { estranged } from '../support/fuzz/json.js';
import { SECRETS } from '../support/fuzz/secrets.js';
import { readInput, textOf, withoutMark } from './read-bytes.js';

const records = fc.constantFrom('c1', 'c2').map((id) =>
  record(
    id,
    [card('k1', { primaryAccountNumber: SECRETS.pan }), card('k2', { billingAddress: { city: 'Edison' } })],
    {
      emailAddress: SECRETS.email,
      lastName: SECRETS.name,
    },
  ),
);

const line = fc.oneof(
  { weight: 3, arbitrary: records.map((one) => JSON.stringify(one)) },
  { weight: 6, arbitrary: estranged(records) },
  { weight: 2, arbitrary: fc.constantFrom('', '  ', '\t', '\u00a0', '\uFEFF', 'null', '7', '"x"', '[]') },
);

const files = fc
  .array(fc.tuple(line, fc.constantFrom('\n', '\n', '\r\n', '\r')), { maxLength: 5 })
  .map((lines) => Buffer.from(lines.flat().join('')));

const inputs = fc.record({
  bytes: fc.oneof({ weight: 12, arbitrary: damaged(files) }, { weight: 1, arbitrary: noise }),
  block: fc.constantFrom(61, 997, 65_536),
});

/** How many lists and objects stand in one another, also where the value of a name is written once more. */
function depthOf(json: string): number {
  let [depth, most] = [0, 0];
  for (const [bracket] of json.replace(/"(?:\\.|[^"\\])*"/g, '').matchAll(/[[\]{}]/g)) {
    depth += bracket === '[' || bracket === '{' ? 1 : -1;
    most = Math.max(most, depth);
  }
  return most;
}

/** The values of a file, or the line of the first that is none: read in the plainest way there is. */
function valuesOf(bytes: Buffer): { values: [line: number, value: unknown][] } | { line: number } {
  const values: [number, unknown][] = [];
  for (const [index, bytesOfLine] of withoutMark(bytes)
    .toString('latin1')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const text = textOf(Buffer.from(bytesOfLine, 'latin1'))?.trim();
    if (text === '') continue;
    try {
      const value: unknown = JSON.parse(text ?? '?');
      if (depthOf(text!) > 100) return { line: index + 1 };
      values.push([index + 1, value]);
    } catch {
      return { line: index + 1 };
    }
  }
  return { values };
}

fuzz('JSONL is read line by line, none lost, or refused at its first wrong line', inputs, async (file) => {
  const read = await readInput(file, '.jsonl');
  const expected = valuesOf(file.bytes);
  if (read instanceof InputError) {
    assert.match(read.code, /^(NOT_UTF8|JSON_MALFORMED)$/);
    assert.deepEqual({ line: read.line }, expected);
    return;
  }
  const values = read.lines.map(({ line: number }, index) => [number, read.records[index]]);
  assert.equal(JSON.stringify({ values }), JSON.stringify(expected));
});
