import { SourceChangedError } from './source-error.js';

/** What gzip begins with. */
export const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);

/** Tells one state of a source from another without reading it. */
export interface SourceIdentity {
  /** Bytes, as stored: of a compressed source, compressed. */
  size: number;
  /** A file's time of modification, a server's ETag or else Last-Modified; only compared. */
  version: string;
}

/** The bytes of a source as they are stored. */
export interface StoredBytes {
  identity: SourceIdentity;
  /** The first two bytes; fewer where there are no more. */
  head: Buffer;
  /**
   * The bytes from one offset (counted from 0) to before another, which are within the size.
   * @throws SourceError, SourceChangedError, also amid the bytes: an end is never a broken connection.
   */
  read(from: number, to: number): AsyncGenerator<Buffer>;
}

/** @throws SourceChangedError */
export function requireSame(name: string, expected: SourceIdentity, found: SourceIdentity): void {
  if (expected.size !== found.size)
    throw new SourceChangedError(name, `${expected.size} bytes then, ${found.size} bytes now`);
  if (expected.version !== found.version) throw new SourceChangedError(name, 'modified since');
}
