import type { CsvHeaderCode } from './csv-columns.js';

/**
 * What can be wrong with a source as a whole. What is wrong with a row of it is no such error, but a
 * `Reject`. Operators see these codes: never rename one.
 *
 * - `SOURCE_UNAVAILABLE`: it cannot be read at present; a later attempt may succeed
 * - `SOURCE_UNREADABLE`: it is not there, or may not be read
 * - `SOURCE_NOT_ALLOWED`: a file outside the folder that workers read portfolios from
 * - `SOURCE_URL_REFUSED`: not an `https:` URL, one with a password in it, or one that leads to a private address
 * - `SOURCE_REDIRECTED`: the server sends elsewhere, which is not followed
 * - `SOURCE_WITHOUT_RANGES`: the server gives the whole or nothing
 * - `SOURCE_WITHOUT_VERSION`: the server gives neither ETag nor Last-Modified, so a change would go unnoticed
 * - `GZIP_DAMAGED`: compressed, but broken or cut off
 * - `GZIP_TOO_LARGE`: decompresses to more than is allowed
 * - `FORMAT_UNKNOWN`: the name tells no format
 * - `CSV_…`: the first row is no header
 */
export type SourceErrorCode =
  | 'SOURCE_UNAVAILABLE'
  | 'SOURCE_UNREADABLE'
  | 'SOURCE_NOT_ALLOWED'
  | 'SOURCE_URL_REFUSED'
  | 'SOURCE_REDIRECTED'
  | 'SOURCE_WITHOUT_RANGES'
  | 'SOURCE_WITHOUT_VERSION'
  | 'GZIP_DAMAGED'
  | 'GZIP_TOO_LARGE'
  | 'FORMAT_UNKNOWN'
  | CsvHeaderCode;

/**
 * A source that cannot be read as records. The message says where, what, and what to do; it never quotes
 * the source, and there is no `cause`, since those of the parsers do.
 */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  constructor(
    readonly code: SourceErrorCode,
    /** As `nameOf` gives it. */
    readonly source: string,
    problem: string,
  ) {
    super(`${source}: ${problem}`);
  }
}

/** The source is not the one that was begun with: what was read of it and what is left do not belong together. */
export class SourceChangedError extends Error {
  override readonly name = 'SourceChangedError';
  readonly code = 'SOURCE_CHANGED';
  constructor(
    readonly source: string,
    what: string,
  ) {
    super(
      `${source}: has changed since it was first read (${what}); put the original back, or start again with the new one`,
    );
  }
}
