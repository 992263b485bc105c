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

/**
 * A card number in every form in which it could be read: as it is; in base64, wherever in the encoded
 * text it begins (base64url is the same: digits give neither `+` nor `/`); in hex (upper case is the
 * same: digits are 30 to 39); in groups of four.
 *
 * @param of names the card in what the search returns; never the number.
 */
export function cardNumberNeedles(of: string, number: string): Needle[] {
  const groups = number.match(/.{1,4}/g) ?? [];
  const forms: Record<string, string> = {
    clear: number,
    'base64 at 0': base64(number, 0),
    'base64 at 1': base64(number, 1),
    'base64 at 2': base64(number, 2),
    hex: Buffer.from(number, 'latin1').toString('hex'),
    'spaces between groups': groups.join(' '),
    'dashes between groups': groups.join('-'),
  };
  return Object.entries(forms).map(([form, text]) => ({ of, form, bytes: Buffer.from(text, 'latin1') }));
}

/** A text as it is, in UTF-8. */
export function clearNeedle(of: string, text: string): Needle {
  return { of, form: 'clear', bytes: Buffer.from(text, 'utf8') };
}

/** The characters that encode the text alone when `before` bytes, modulo 3, come before it. */
function base64(text: string, before: 0 | 1 | 2): string {
  const encoded = Buffer.from('\0'.repeat(before) + text, 'latin1').toString('base64');
  const shared = [0, 2, 3][before] as number;
  const whole = Math.floor(((before + text.length) * 8) / 6);
  return encoded.slice(shared, whole);
}

/** Every file in the folder and below. */
export async function filesBelow(folder: string): Promise<Haystack[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    paths.map(async (path) => ({ name: relative(folder, path), bytes: await readFile(path) })),
  );
}

/** Where any of the needles is, at most once for each file and needle. */
export function findLeaks(haystacks: readonly Haystack[], needles: readonly Needle[]): Leak[] {
  return haystacks.flatMap(({ name, bytes }) =>
    needles
      .filter((needle) => bytes.includes(needle.bytes))
      .map(({ of, form }) => ({ where: name, of, form })),
  );
}
