/** Digits that may be read as one number. */
export interface DigitRun {
  /** Their values. */
  digits: number[];
  /** Where each is written: of the text, [start, end). */
  starts: number[];
  ends: number[];
  /** The places in `digits` where a group begins: nothing stands between the digits of one. */
  groups: number[];
  /** The places in `digits` that have a plus sign before them. */
  pluses: number[];
}

/** Neither a phone number nor a card number has fewer digits: runs of fewer are left out. */
const SHORTEST = 7;
/** Between the digits of a run stand at most so many characters, besides quotes and brackets. */
const MOST_BETWEEN = 3;
/** What closes one group and opens the next: `"]`, `["`, and as they stand in JSON in JSON, `\"`. */
const MOST_QUOTES = 8;
const QUOTE = /[\p{Pi}\p{Pf}\p{Ps}\p{Pe}"'`\\<>]/u;

const HEX_BYTE = /%(?:25)*([0-9a-f]{2})/iy;
const ENCODED = /%[0-9a-f]{2}/i;

/**
 * The runs of digits of a text, for those who look for card numbers and phone numbers. Digits are the decimal digits
 * of every script, and what NFKC makes digits of (`５`, `⑤`, `⁵`). No letter stands between the digits of a run, and at
 * most `mostBetween` other characters, not counting quotes and brackets. Where a text may be percent-encoded, also
 * more than once, it has the runs of both readings: of `100%2221…`, the first two digits would be an encoded quote.
 *
 * What is known to be something else is no part of a run: UUIDs and digests with a letter in them, times with a date,
 * and addresses with a port. Takes time linear in the text.
 */
export function digitRuns(text: string, mostBetween = MOST_BETWEEN): DigitRun[] {
  const runs = readRuns(text, mostBetween, false);
  return ENCODED.test(text) ? [...runs, ...readRuns(text, mostBetween, true)] : runs;
}

function readRuns(text: string, mostBetween: number, decoding: boolean): DigitRun[] {
  const reader = new RunReader(mostBetween);
  const others = othersIn(text);
  let other = others.next();
  for (let at = 0; at < text.length;) {
    if (at === other.value?.start) {
      reader.breakOff();
      at = other.value.end;
      other = others.next();
      continue;
    }
    const { point, end } = (decoding ? noLetter(decodedAt(text, at)) : undefined) ?? rawAt(text, at);
    reader.read(point, at, end);
    at = end;
    while (other.value !== undefined && other.value.start < at) other = others.next();
  }
  return reader.end();
}

/** A text as it reads once it is decoded, also where it is encoded more than once, and NFKC has made it plain. */
export function plainText(text: string): string {
  let plain = '';
  for (let at = 0; at < text.length;) {
    const { point, end } = decodedAt(text, at) ?? rawAt(text, at);
    plain += String.fromCodePoint(point).normalize('NFKC');
    at = end;
  }
  return plain;
}

class RunReader {
  private readonly runs: DigitRun[] = [];
  private run = emptyRun();
  private between = 0;
  private quotes = 0;
  /** How many characters ago there was a plus sign. */
  private sincePlus = Infinity;

  constructor(private readonly mostBetween: number) {}

  read(point: number, start: number, end: number): void {
    if (point < 0x80) return this.readOne(point, String.fromCharCode(point), start, end);
    const char = String.fromCodePoint(point);
    if (LETTER.test(char)) return this.breakOff();
    // Character by character: to put the marks of a whole text in their order takes more than linear time.
    const plain = char.normalize('NFKC');
    if (!SIGNIFICANT.test(plain)) return this.readOne(point, plain, start, end);
    for (const part of plain) this.readOne(part.codePointAt(0) ?? 0, part, start, end);
  }

  private readOne(point: number, char: string, start: number, end: number): void {
    const digit = digitValue(point, char);
    if (digit !== undefined) return this.add(digit, start, end);
    if (point < 0x80 ? isAsciiLetter(point) : LETTER.test(char)) return this.breakOff();
    this.sincePlus = char === '+' ? 0 : this.sincePlus + 1;
    if (QUOTE.test(char)) this.quotes += 1;
    else this.between += 1;
    if (this.between > this.mostBetween || (this.quotes > MOST_QUOTES && this.mostBetween < Infinity))
      this.endRun();
  }

  private add(digit: number, start: number, end: number): void {
    const { digits, starts, ends, groups, pluses } = this.run;
    if (digits.length === 0 || this.between + this.quotes > 0) groups.push(digits.length);
    if (this.sincePlus <= MOST_BETWEEN) pluses.push(digits.length);
    digits.push(digit);
    starts.push(start);
    ends.push(end);
    this.between = this.quotes = 0;
    this.sincePlus = Infinity;
  }

  private endRun(): void {
    if (this.run.digits.length >= SHORTEST) this.runs.push(this.run);
    if (this.run.digits.length > 0) this.run = emptyRun();
    this.between = this.quotes = 0;
  }

  breakOff(): void {
    this.endRun();
    this.sincePlus = Infinity;
  }

  end(): DigitRun[] {
    this.endRun();
    return this.runs;
  }
}

function emptyRun(): DigitRun {
  return { digits: [], starts: [], ends: [], groups: [], pluses: [] };
}

interface Read {
  point: number;
  end: number;
}

function rawAt(text: string, at: number): Read {
  const point = text.codePointAt(at) ?? 0;
  return { point, end: at + (point > 0xffff ? 2 : 1) };
}

/** `100%5186%2D0017…` has an encoded dash, and no encoded Q. */
function noLetter(read: Read | undefined): Read | undefined {
  return read === undefined || LETTER.test(String.fromCodePoint(read.point)) ? undefined : read;
}

/** The character that is percent-encoded here, if there is one. */
function decodedAt(text: string, at: number): Read | undefined {
  const first = byteAt(text, at);
  if (first === undefined || first.point < 0xc2) return first;
  const following = first.point < 0xe0 ? 1 : first.point < 0xf0 ? 2 : 3;
  let point = first.point & (0x3f >> following);
  let { end } = first;
  for (let n = 0; n < following; n += 1) {
    const next = byteAt(text, end);
    // No UTF-8: a character of some kind.
    if (next === undefined || next.point >> 6 !== 2) return first;
    point = (point << 6) | (next.point & 0x3f);
    end = next.end;
  }
  return point <= 0x10ffff ? { point, end } : first;
}

function byteAt(text: string, at: number): Read | undefined {
  if (text.charCodeAt(at) !== 37) return undefined;
  HEX_BYTE.lastIndex = at;
  const found = HEX_BYTE.exec(text);
  return found?.[1] === undefined ? undefined : { point: parseInt(found[1], 16), end: HEX_BYTE.lastIndex };
}

const LETTER = /\p{L}/u;
const DIGIT = /\p{Nd}/u;
/** What a character has to be taken apart for. */
const SIGNIFICANT = /[\p{L}\p{Nd}]/u;

function isAsciiLetter(point: number): boolean {
  const lower = point | 0x20;
  return lower >= 97 && lower <= 122;
}

function digitValue(point: number, char: string): number | undefined {
  if (point < 0x80) return point >= 48 && point <= 57 ? point - 48 : undefined;
  if (!DIGIT.test(char)) return undefined;
  // Unicode has the digits of each script in their order, beginning with its zero.
  let zero = point;
  while (DIGIT.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return (point - zero) % 10;
}

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const OTHER = new RegExp(
  '(?<![\\p{L}\\p{Nd}])(?:' +
    [
      '(?<uuid>[0-9a-f]{8}(-?)[0-9a-f]{4}\\2[1-8][0-9a-f]{3}\\2[89ab][0-9a-f]{3}\\2[0-9a-f]{12}|[0-9a-f]{64})',
      '(?:19|20)\\d\\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])[T ](?:[01]\\d|2[0-3])(?::[0-5]\\d){1,2}(?:[.,]\\d{1,9})?Z?',
      `(?:${OCTET}\\.){3}${OCTET}:\\d{1,5}`,
    ].join('|') +
    ')(?![\\p{L}\\p{Nd}])',
  'giu',
);

/** What has digits and is something else than a number, in order. */
function* othersIn(text: string): Generator<{ start: number; end: number }, undefined> {
  for (const { 0: found, index, groups } of text.matchAll(OTHER))
    if (groups?.['uuid'] === undefined || /[a-f]/i.test(found))
      yield { start: index, end: index + found.length };
  return undefined;
}
