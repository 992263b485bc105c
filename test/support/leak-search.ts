import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

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
/** The form of digits with spaces, dots or dashes between them, wherever. */
const SEPARATED = 'separated';
const BEGINNING_BYTES = 3;

/**
 * A value in every form in which it could be read, but `SEPARATED`, which `findLeaks` looks for by itself:
 * in clear (UTF-8; UTF-16 as V8 has it in memory); in base64 and base64url, wherever in the encoded text
 * it begins; in hex; percent-encoded; escaped as in JSON; as JSON writes a Buffer.
 *
 * @param of names the value in what the search returns; never the value.
 */
export function needlesOf(of: string, value: string): Needle[] {
  if (value.length < SHORTEST) throw new Error(`${of}: too short to be searched for`);
  const bytes = Buffer.from(value, 'utf8');
  const percent = encodeURIComponent(value);
  const escaped = escapedLikeJson(value);
  const forms: [form: string, text: string | Buffer][] = [
    ['clear', bytes],
    ['UTF-16', Buffer.from(value, 'utf16le')],
    ...([0, 1, 2] as const).flatMap((before): [string, string][] => [
      [`base64 at ${before}`, base64(bytes, before, 'base64')],
      [`base64url at ${before}`, base64(bytes, before, 'base64url')],
    ]),
    ['hex', bytes.toString('hex')],
    ['HEX', bytes.toString('hex').toUpperCase()],
    ['percent-encoded', percent],
    ['percent-encoded in lower case', percent.replace(/%../g, (code) => code.toLowerCase())],
    ['escaped', escaped],
    ['escaped in upper case', escaped.replace(/\\u..../g, (code) => `\\u${code.slice(2).toUpperCase()}`)],
    ['bytes in decimal', [...bytes].join(',')],
  ];
  const seen = new Set<string>();
  return forms
    .map(([form, text]) => ({ of, form, bytes: Buffer.from(text as string, 'latin1') }))
    .filter(({ bytes }) => !seen.has(bytes.toString('latin1')) && seen.add(bytes.toString('latin1')));
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
  return [...text]
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
 * Where any of the needles is, at most once for each haystack and needle. Values of digits are found with
 * separators too.
 */
export function findLeaks(haystacks: readonly Haystack[], needles: readonly Needle[]): Leak[] {
  const search = searchFor(needles);
  const searchDigits = searchFor(needles.filter(({ bytes }) => /^\d+$/.test(bytes.toString('latin1'))));
  const found = new Map<string, Leak>();
  const add = (leak: Leak) => found.set(JSON.stringify(leak), leak);
  for (const { name: where, bytes } of haystacks) {
    for (const { of, form } of search(bytes)) add({ where, of, form });
    for (const [run] of bytes.toString('latin1').matchAll(/\d+(?:[ .-]\d+)+/g))
      for (const { of, bytes: digits } of searchDigits(Buffer.from(run.replace(/\D/g, ''), 'latin1')))
        if (!run.includes(digits.toString('latin1'))) add({ where, of, form: SEPARATED });
  }
  return [...found.values()];
}

/** Finds all needles in one pass: few places begin as one of them does. */
function searchFor(needles: readonly Needle[]): (bytes: Buffer) => Needle[] {
  const byBeginning = new Map<number, Needle[]>();
  const mayBegin = new Uint8Array(2 ** 16);
  const hashOf = (beginning: number) => (beginning ^ (beginning >> 8)) & 0xffff;
  for (const needle of needles) {
    const beginning = needle.bytes.readUIntBE(0, BEGINNING_BYTES);
    mayBegin[hashOf(beginning)] = 1;
    byBeginning.set(beginning, [...(byBeginning.get(beginning) ?? []), needle]);
  }
  return (bytes) => {
    const found: Needle[] = [];
    for (let at = 0, beginning = 0; at < bytes.length; at += 1) {
      beginning = ((beginning << 8) | bytes[at]!) & 0xffffff;
      const start = at - BEGINNING_BYTES + 1;
      if (start < 0 || mayBegin[hashOf(beginning)] === 0) continue;
      for (const needle of byBeginning.get(beginning) ?? [])
        if (bytes.subarray(start, start + needle.bytes.length).equals(needle.bytes)) found.push(needle);
    }
    return found;
  };
}
