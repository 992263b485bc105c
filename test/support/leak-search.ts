import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { NUMBER_SPELLINGS, TEXT_SPELLINGS } from './spellings.js';

/** Bytes that must not be found anywhere. */
export interface Needle {
  /** What they stand for, in words that may be printed. */
  of: string;
  /** How that is written here: `clear`, `base64 at 1`, `hex`, … */
  form: string;
  bytes: Buffer;
}

export interface Haystack {
  name: string;
  bytes: Buffer;
}

export interface Leak {
  where: string;
  of: string;
  form: string;
}

/** Shorter ones would be found by chance. */
const SHORTEST = 8;
/** The form of digits with anything between them but letters and digits, wherever. */
const SEPARATED = 'separated';

/**
 * A value in every form in which it could be read, but `SEPARATED`, which `findLeaks` looks for by itself: each of
 * the spellings for numbers or for texts, in each of the encodings. The plain spelling is named by its encoding alone.
 *
 * @param of names the value in what the search returns; never the value.
 */
export function needlesOf(of: string, value: string): Needle[] {
  if (value.length < SHORTEST) throw new Error(`${of}: too short to be searched for`);
  const seen = new Set<string>();
  return Object.entries(/^\d+$/.test(value) ? NUMBER_SPELLINGS : TEXT_SPELLINGS)
    .flatMap(([spelling, spell]) =>
      encodingsOf(spell(value)).map(([encoding, text]) => ({
        of,
        form: spelling === 'as it is' ? encoding : `${spelling}, ${encoding}`,
        bytes: Buffer.from(text as string, 'latin1'),
      })),
    )
    .filter(({ bytes }) => {
      const text = bytes.toString('latin1');
      return !seen.has(text) && seen.add(text);
    });
}

/**
 * In clear (UTF-8; UTF-16 as V8 has it in memory); in base64 and base64url, wherever in the encoded text it begins;
 * in hex; percent-encoded; in JSON, also with nothing but ASCII; as JSON writes a Buffer.
 */
function encodingsOf(value: string): [encoding: string, text: string | Buffer][] {
  const bytes = Buffer.from(value, 'utf8');
  const percent = encodeURIComponent(value);
  const escaped = escapedLikeJson(value);
  return [
    ['clear', bytes],
    ['UTF-16', Buffer.from(value, 'utf16le')],
    ...([0, 1, 2] as const).flatMap((before): [string, string][] => [
      [`base64 at ${before}`, base64(bytes, before, 'base64')],
      [`base64url at ${before}`, base64(bytes, before, 'base64url')],
    ]),
    ['hex', bytes.toString('hex')],
    ['HEX', bytes.toString('hex').toUpperCase()],
    ['in JSON', Buffer.from(JSON.stringify(value).slice(1, -1), 'utf8')],
    ['percent-encoded', percent],
    ['percent-encoded in lower case', percent.replace(/%../g, (code) => code.toLowerCase())],
    ['escaped', escaped],
    ['escaped in upper case', escaped.replace(/\\u..../g, (code) => `\\u${code.slice(2).toUpperCase()}`)],
    ['bytes in decimal', [...bytes].join(',')],
  ];
}

/** A text as it is, in UTF-8. */
export function clearNeedle(of: string, text: string): Needle {
  return { of, form: 'clear', bytes: Buffer.from(text, 'utf8') };
}

/** The characters that encode the bytes alone when `before` bytes, modulo 3, come before them. */
function base64(bytes: Buffer, before: 0 | 1 | 2, encoding: 'base64' | 'base64url'): string {
  const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString(encoding);
  const shared = [0, 2, 3][before] as number;
  const whole = Math.floor(((before + bytes.length) * 8) / 6);
  return encoded.slice(shared, whole);
}

function escapedLikeJson(text: string): string {
  return [...JSON.stringify(text).slice(1, -1)]
    .map((character) =>
      character.charCodeAt(0) < 128
        ? character
        : [...Array(character.length).keys()]
            .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
            .join(''),
    )
    .join('');
}

/** Every file in the folder and below. */
export async function filesBelow(folder: string): Promise<Haystack[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    paths.map(async (path) => ({ name: relative(folder, path), bytes: await readFile(path) })),
  );
}

/**
 * Where any of the needles is, at most once for each haystack and needle. Card numbers are found with any separators,
 * too; shorter numbers only with spaces, dots or dashes: among others, a list of numbers would have them by chance.
 */
export function findLeaks(haystacks: readonly Haystack[], needles: readonly Needle[]): Leak[] {
  const search = searchFor(needles.filter(({ bytes }) => bytes.length >= SHORTEST));
  const short = needles.filter(({ bytes }) => bytes.length < SHORTEST);
  const digits = needles.filter(
    ({ form, bytes }) => form === 'clear' && /^\d{8,}$/.test(bytes.toString('latin1')),
  );
  const separated = [
    { run: /\d+(?:[ .-]\d+)+/g, search: searchFor(digits) },
    {
      run: /\d+(?:[^0-9A-Za-z]{1,12}\d+)+/g,
      search: searchFor(digits.filter(({ bytes }) => bytes.length >= 13)),
    },
  ];
  const found = new Map<string, Leak>();
  const add = (leak: Leak) => found.set(JSON.stringify(leak), leak);
  for (const { name: where, bytes } of haystacks) {
    for (const { of, form } of search(bytes)) add({ where, of, form });
    for (const { of, form, bytes: part } of short) if (bytes.includes(part)) add({ where, of, form });
    const text = bytes.toString('latin1');
    for (const { run: pattern, search } of separated)
      for (const [run] of text.matchAll(pattern))
        for (const { of, bytes: digits } of search(Buffer.from(run.replace(/\D/g, ''), 'latin1')))
          if (!run.includes(digits.toString('latin1'))) add({ where, of, form: SEPARATED });
  }
  return [...found.values()];
}

/** Finds all needles in one pass: few places begin, with `SHORTEST` bytes, as one of them does. */
function searchFor(needles: readonly Needle[]): (bytes: Buffer) => Needle[] {
  const byBeginning = new Map<number, Needle[]>();
  const bits = Math.min(22, Math.ceil(Math.log2(needles.length * 8 + 2)));
  const mayBegin = new Uint8Array(2 ** bits);
  for (const needle of needles) {
    const beginning = hashOf(needle.bytes.readInt32LE(0), needle.bytes.readInt32LE(4));
    mayBegin[beginning >>> (32 - bits)] = 1;
    const others = byBeginning.get(beginning);
    if (others) others.push(needle);
    else byBeginning.set(beginning, [needle]);
  }
  return (bytes) => {
    const found: Needle[] = [];
    for (let end = 0, first = 0, last = 0; end < bytes.length; end += 1) {
      first = (first >>> 8) | ((last & 0xff) << 24);
      last = (last >>> 8) | (bytes[end]! << 24);
      const beginning = hashOf(first, last);
      if (mayBegin[beginning >>> (32 - bits)] === 0) continue;
      const start = end - SHORTEST + 1;
      if (start < 0) continue;
      for (const needle of byBeginning.get(beginning) ?? [])
        if (bytes.subarray(start, start + needle.bytes.length).equals(needle.bytes)) found.push(needle);
    }
    return found;
  };
}

/** Of eight bytes. */
function hashOf(first: number, last: number): number {
  const mixed = Math.imul(first, 0x9e3779b1) ^ Math.imul(last ^ (last >>> 15), 0x85ebca77);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
