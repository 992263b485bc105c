import { digitRuns, plainText, type DigitRun } from './digit-runs.js';
import { LuhnSums } from './luhn.js';

/** ISO/IEC 7812-1 allows card numbers of up to 19 digits; no network issues fewer than 13. */
const SHORTEST_PAN = 13;
const LONGEST_PAN = 19;
/** How many digits stay readable. PCI DSS 3.4.1 allows more on a display; a log needs no more to find a card. */
const SHOWN = 4;
/** Networks issue no shorter phone numbers to persons; E.164 allows no longer ones. */
const SHORTEST_PHONE = 7;
const LONGEST_PHONE = 15;

/** [start, end) in a text. */
type Stretch = [start: number, end: number];

/**
 * Replaces what may be a card number by asterisks, up to its last four digits: `************9726`.
 *
 * A card number is a stretch of 13 to 19 digits of a run (see `digitRuns` for what may stand between them, and for
 * scripts and encodings) that passes the Luhn check. What surrounds it does not matter: letters may touch it, and so
 * may other digits (an expiry date, a counter, a second number), so *every* such stretch within a longer run counts.
 * Where stretches overlap, all of their digits are masked and only the last four of the whole remain. This masks many
 * a long number that is no card number; the reverse is what must not happen. Separators stay, so the length of the
 * text does not change.
 *
 * Takes time linear in the text, whatever it holds. Masking twice is masking once; where percent signs have two
 * readings, it may mask more.
 */
export function maskPans(text: string): string {
  return masked(text, SHORTEST_PAN, panDigits);
}

/** What may hold an e-mail address: a stretch without white space, quotes, brackets and what ends a clause. */
const WORD = /[^\s"'`<>(),;]+/g;
const MAY_BE_E_MAIL = /[@＠﹫]|%(?:25)*[4e]/i;
const E_MAIL = /.@./u;
/** Not `node_modules/@temporalio`, `worker@1.24.0` and `12345@worker-0`, which programs write. */
const WHOLE_E_MAIL = /[^/@]@(?:[\p{L}\p{N}_-]+\.)+\p{L}{2}/u;

/**
 * Replaces each word that may hold an e-mail address, also a percent-encoded one, by asterisks. The length of the
 * text does not change. Takes time linear in the text.
 */
export function maskEmails(text: string): string {
  return withoutWords(text, E_MAIL);
}

/**
 * Masks card numbers, e-mail addresses and phone numbers in what programs say: logs, errors. There, only a word with a
 * domain behind its `@` is an e-mail address, and only what begins with `+` a phone number, since logs are full of
 * names with an `@`, of counts and of times.
 */
export function maskPersonal(text: string): string {
  const numbers = (run: DigitRun) => [...panDigits(run), ...internationalNumbers(run)];
  return both(text, withoutWords(text, WHOLE_E_MAIL), masked(text, SHORTEST_PHONE, numbers));
}

/** A text of a log or an error says nothing new beyond this. */
const MOST_SHOWN = 10_000;
/** So much more is masked, so that what is cut off leaves no part of a card number or an e-mail address readable. */
const MARGIN = 1_000;

/** `mask` (which keeps the length) of a text of any length, of which the beginning is kept: its end is not worth the time. */
export function maskBeginning(text: string, mask = maskPersonal): string {
  if (text.length <= MOST_SHOWN) return mask(text);
  return `${mask(text.slice(0, MOST_SHOWN + MARGIN)).slice(0, MOST_SHOWN)}…`;
}

/**
 * Masks what may be a card number, an e-mail address or a phone number in a text or an id from outside: every word with an `@` in it
 * and every run of seven digits or more. UUIDs stay whole.
 */
export function maskForeign(text: string): string {
  return both(text, maskEmails(text), masked(text, SHORTEST_PHONE, digitsOfAnybody));
}

/** A URL up to its query or fragment, which may hold a signature. */
export function withoutQuery(url: string): string {
  const at = url.search(/[?#]/);
  return at === -1 ? url : url.slice(0, at);
}

/**
 * What either masks. Each looks at the text as it was: a card number may end in the word that an address begins with,
 * and would be too short for one without it.
 */
function both(text: string, one: string, other: string): string {
  if (one === text) return other;
  if (other === text) return one;
  const chars = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1)
    if (one[at] !== text[at] || other[at] !== text[at]) chars[at] = 1;
  return starred(text, chars);
}

/** @param fewest no text of ASCII with fewer digits has anything to mask. */
function masked(text: string, fewest: number, find: (run: DigitRun) => Stretch[]): string {
  if (hasFewerDigits(text, fewest)) return text;
  const stretches = digitRuns(text).flatMap(find);
  if (stretches.length === 0) return text;
  const chars = new Uint8Array(text.length);
  for (const [start, end] of stretches) chars.fill(1, start, end);
  // Of an encoded character that is masked in part, nothing is left to be read otherwise.
  for (const { 0: encoded, index } of text.matchAll(/%(?:25)*[0-9a-f]{2}/gi))
    if (chars.subarray(index, index + encoded.length).includes(1))
      chars.fill(1, index, index + encoded.length);
  return starred(text, chars);
}

function starred(text: string, chars: Uint8Array): string {
  let result = '';
  for (let start = 0; start < text.length;) {
    const isMasked = chars[start] === 1;
    const next = chars.indexOf(isMasked ? 0 : 1, start);
    const end = next === -1 ? text.length : next;
    result += isMasked ? '*'.repeat(end - start) : text.slice(start, end);
    start = end;
  }
  return result;
}

function hasFewerDigits(text: string, count: number): boolean {
  let found = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 0x7f || (code >= 48 && code <= 57 && (found += 1) >= count)) return false;
  }
  return true;
}

function panDigits({ digits, starts, ends }: DigitRun): Stretch[] {
  if (digits.length < SHORTEST_PAN) return [];
  return panStretches(digits).flatMap(([start, end]) => {
    const chars: Stretch[] = [];
    for (let at = start; at < end - SHOWN; at += 1) chars.push([starts[at] ?? 0, ends[at] ?? 0]);
    return chars;
  });
}

/** The digits that some Luhn-valid window of 13 to 19 digits covers, as [start, end) intervals in order. */
function panStretches(digits: readonly number[]): Stretch[] {
  const luhn = new LuhnSums(digits);
  const stretches: Stretch[] = [];
  for (let end = SHORTEST_PAN; end <= digits.length; end += 1) {
    let start = Math.max(0, end - LONGEST_PAN);
    while (start <= end - SHORTEST_PAN && !luhn.passes(start, end)) start += 1;
    if (start > end - SHORTEST_PAN) continue;
    for (let last = stretches.at(-1); last && last[1] > start; last = stretches.at(-1)) {
      start = Math.min(start, last[0]);
      stretches.pop();
    }
    stretches.push([start, end]);
  }
  return stretches;
}

function internationalNumbers({ digits, starts, ends, pluses }: DigitRun): Stretch[] {
  return pluses.flatMap((first, index): Stretch[] => {
    const after = Math.min(pluses[index + 1] ?? digits.length, first + LONGEST_PHONE);
    return after - first < SHORTEST_PHONE ? [] : [[starts[first] ?? 0, ends[after - 1] ?? 0]];
  });
}

/** All of a run that may be a phone number, unless it is a card number and nothing else. */
function digitsOfAnybody(run: DigitRun): Stretch[] {
  const { digits, starts, ends } = run;
  if (digits.length < SHORTEST_PHONE) return [];
  const [stretch] = panStretches(digits);
  const isPan = stretch !== undefined && stretch[0] === 0 && stretch[1] === digits.length;
  return isPan ? panDigits(run) : [[starts[0] ?? 0, ends.at(-1) ?? 0]];
}

function withoutWords(text: string, pattern: RegExp): string {
  if (!MAY_BE_E_MAIL.test(text)) return text;
  return text.replace(WORD, (word) =>
    MAY_BE_E_MAIL.test(word) && pattern.test(plainText(word)) ? '*'.repeat(word.length) : word,
  );
}

/** The digits that card numbers of Mastercard begin with, 51 to 55 and 2221 to 2720, and how long these are. */
const MASTERCARD = { short: [51, 55], long: [2221, 2720], length: 16 } as const;

/**
 * Whether a text or an id holds what may be a card number: 13 to 19 digits that pass Luhn, written as one group or as
 * neighbouring ones, or, anywhere in a run, the 16 digits of a number of Mastercard's (which a sequence number or an
 * expiry date may stand beside). Digits are those of `digitRuns`, with anything but letters between them.
 */
export function looksLikePan(text: string): boolean {
  if (hasFewerDigits(text, SHORTEST_PAN)) return false;
  return digitRuns(text, Infinity).some((run) => {
    if (run.digits.length < SHORTEST_PAN) return false;
    const luhn = new LuhnSums(run.digits);
    return isPanInGroups(run, luhn) || holdsMastercard(run, luhn);
  });
}

function isPanInGroups({ digits, groups }: DigitRun, luhn: LuhnSums): boolean {
  const ends = [...groups.slice(1), digits.length];
  return groups.some((start, first) => {
    for (let last = first; (ends[last] ?? Infinity) - start <= LONGEST_PAN; last += 1) {
      const end = ends[last] ?? 0;
      if (end - start >= SHORTEST_PAN && luhn.passes(start, end)) return true;
    }
    return false;
  });
}

function holdsMastercard({ digits }: DigitRun, luhn: LuhnSums): boolean {
  for (let start = 0; start + MASTERCARD.length <= digits.length; start += 1) {
    const [a = 0, b = 0, c = 0, d = 0] = digits.slice(start, start + 4);
    const isOne =
      isWithin(10 * a + b, MASTERCARD.short) || isWithin(1000 * a + 100 * b + 10 * c + d, MASTERCARD.long);
    if (isOne && luhn.passes(start, start + MASTERCARD.length)) return true;
  }
  return false;
}

function isWithin(value: number, [least, most]: readonly [number, number]): boolean {
  return value >= least && value <= most;
}
