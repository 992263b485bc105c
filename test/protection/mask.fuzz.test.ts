import assert from 'node:assert/strict';
import fc from 'fast-check';
import { maskLogLine } from '../../protection/logger.js';
import { maskForeign, maskPans, maskPersonal } from '../../protection/mask.js';
import { printable, printableLine } from '../../protection/printable.js';
import { damaged, noise } from '../support/fuzz/bytes.js';
import { fuzz } from '../support/fuzz/fuzz.js';
import { estranged } from '../support/fuzz/json.js';
import { SECRETS } from '../support/fuzz/secrets.js';
import { NUMBER_SPELLINGS } from '../support/spellings.js';

const spellings = fc.constantFrom(...Object.values(NUMBER_SPELLINGS)).map((spell) => spell(SECRETS.pan));
/** None ends in a digit, a mark between digits or the beginning of an encoded one: what touches a number is `damaged`'s affair. */
const words = fc.constantFrom(
  '',
  'card ',
  'x',
  '{"pan":"',
  'é',
  '漢',
  'try 2: ',
  '\u001b[2J',
  '(',
  'a@b.example ',
);
const numbers = fc.tuple(words, spellings, words).map((parts) => parts.join(''));

fuzz('a card number in a text is masked, however it is written', numbers, (text) => {
  for (const mask of [maskPans, maskPersonal, maskForeign]) {
    const masked = mask(text);
    assert.equal(masked.length, text.length);
    assert(!Object.values(NUMBER_SPELLINGS).some((spell) => masked.includes(spell('518600170000'))));
    assert.equal(mask(masked), masked);
  }
});

const texts = fc
  .oneof(damaged(numbers.map((text) => Buffer.from(text))), noise)
  .map((bytes) => bytes.toString());

fuzz('any text is masked at its length, and can be printed', texts, (text) => {
  for (const mask of [maskPans, maskPersonal, maskForeign]) assert.equal(mask(text).length, text.length);
  const masked = maskPans(text);
  if (!text.includes('%')) assert.equal(maskPans(masked), masked);
  assert(!/[^\P{Cc}\n]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(printable(text)));
  assert(!printableLine(text).includes('\n'));
});

// A logger cuts what is deeper before it is a line.
const lines = estranged(
  fc.constant({ level: 'info', msg: 'a card', err: { message: 'x', list: [1, 'y'] } }),
).filter((line) => line.length < 15_000);

fuzz('any line of a log stays one line, and shows no card number', lines, (line) => {
  const shown = maskLogLine(line);
  assert(!shown.trimEnd().includes('\n'));
  assert(!shown.includes(SECRETS.pan) && !shown.includes(SECRETS.longPan));
});
