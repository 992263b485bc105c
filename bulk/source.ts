import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { SourceLocation } from '../enrollment/bulk.js';
import { DEFAULT_SOURCE_RULES, type SourceRules } from '../enrollment/source-rules.js';
import { openFile } from './file-source.js';
import { openUrl } from './http-source.js';
import type { LocatedSource } from './local-source.js';
import { SourceError } from './source-error.js';
import { GZIP_MAGIC, requireSame, type SourceIdentity, type StoredBytes } from './stored-bytes.js';

/** The bytes of a portfolio, decompressed. Offsets count decompressed bytes. */
export interface Source {
  /** For messages: the path, or the URL without its query, which may hold a signature. */
  name: string;
  identity: SourceIdentity;
  /** Whether it is stored as gzip, which cannot be entered in the middle. */
  gzip: boolean;
  /**
   * The bytes from one offset to before another, or to the end. What is not fetched is not read ahead by
   * more than a few blocks. Entering a compressed source decompresses everything before the offset again:
   * read long stretches of it, not many short ones.
   * @throws SourceError, SourceChangedError, also amid the bytes.
   */
  read(from: number, to?: number): AsyncGenerator<Buffer>;
  /**
   * The first and the last bytes as they are stored: they tell a source that was exchanged, where size and
   * version do not.
   * @throws SourceError, SourceChangedError
   */
  ends(): Promise<Buffer>;
}

const END_BYTES = 64 * 1024;
/** So much may any gzip decompress to: what is small may be repetitive. */
const ANY_RATIO_BYTES = 16 * 1024 * 1024;

/**
 * Opens a source; nothing needs to be closed. Its first bytes show whether it is compressed.
 * @param options.expected what it was when it was first read.
 * @param options.rules those that differ from the defaults.
 * @throws SourceError; SourceChangedError when it is not as expected.
 */
export async function openSource(
  location: LocatedSource,
  options: { expected?: SourceIdentity | undefined; rules?: Partial<SourceRules> | undefined } = {},
): Promise<Source> {
  const { expected } = options;
  const rules = { ...DEFAULT_SOURCE_RULES, ...options.rules };
  const name = nameOf(location);
  const stored =
    'path' in location
      ? await openFile(location.path, location.folder)
      : await openUrl(location.url, name, rules);
  const { identity } = stored;
  if (expected) requireSame(name, expected, identity);
  const ends = () => endsOf(stored);
  if (!stored.head.equals(GZIP_MAGIC))
    return { name, identity, gzip: false, ends, read: (from, to = identity.size) => stored.read(from, to) };
  return {
    name,
    identity,
    gzip: true,
    ends,
    read: (from, to) => decompressed(name, stored, rules.gzip, from, to),
  };
}

/** What a message calls a source: the path, or the URL without its query, which may hold a signature. */
export function nameOf(location: SourceLocation): string {
  if ('path' in location) return location.path;
  if (!URL.canParse(location.url)) return 'the source';
  const { protocol, host, pathname } = new URL(location.url);
  return `${protocol}//${host}${pathname}`;
}

async function endsOf(stored: StoredBytes): Promise<Buffer> {
  const { size } = stored.identity;
  const blocks: Buffer[] = [];
  for await (const block of stored.read(0, Math.min(END_BYTES, size))) blocks.push(block);
  for await (const block of stored.read(Math.max(END_BYTES, size - END_BYTES), size)) blocks.push(block);
  return Buffer.concat(blocks);
}

async function* decompressed(
  name: string,
  stored: StoredBytes,
  { maxRatio, maxBytes }: SourceRules['gzip'],
  from: number,
  to = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  // Errors of either stream come out of the iteration.
  pipeline(Readable.from(stored.read(0, stored.identity.size)), gunzip, () => {});
  let at = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      const wanted = chunk.subarray(Math.max(0, from - at), Math.max(0, to - at));
      at += chunk.length;
      if (at > maxBytes) throw tooLarge(name, `${maxBytes} bytes`, 'maxBytes');
      if (at > ANY_RATIO_BYTES && at > maxRatio * gunzip.bytesWritten)
        throw tooLarge(name, `${maxRatio} times its size`, 'maxRatio');
      if (wanted.length > 0) yield wanted;
      if (at >= to) return;
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!code.startsWith('Z_')) throw error;
    throw new SourceError('GZIP_DAMAGED', name, `is cut off or damaged gzip (${code}); transfer it again`);
  }
}

function tooLarge(name: string, what: string, limit: keyof SourceRules['gzip']): SourceError {
  const problem = `decompresses to more than ${what}, as a gzip bomb does; look what it is, and raise bulk.gzip.${limit} on every worker if it is a portfolio`;
  return new SourceError('GZIP_TOO_LARGE', name, problem);
}
