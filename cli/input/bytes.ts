import { createReadStream } from 'node:fs';
import { InputError } from './input-error.js';

/*
 * Both readers take a file apart byte by byte (latin1: one character a byte) and only then read each
 * line or field as UTF-8. So bytes that are not UTF-8 have a line number, and a separator that only
 * Unicode knows (U+2028, which readline takes for the end of a line) stays inside its JSON string.
 */

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** Of a batch, whose cards go to Mastercard in one request; what has more is a portfolio for `c2p bulk`. */
export const MAX_INPUT_BYTES = 64 * 1024 * 1024;

/**
 * The bytes of a file, without a byte order mark.
 * @throws InputError `FILE_UNREADABLE`, `FILE_TOO_LARGE`
 */
export async function* readBytes(file: string): AsyncGenerator<Buffer> {
  let first = true;
  let size = 0;
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      // The first chunk has the three bytes, if the file has them: files are read in blocks.
      const marked = first && chunk.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
      first = false;
      size += chunk.length;
      if (size > MAX_INPUT_BYTES)
        throw new InputError(
          'FILE_TOO_LARGE',
          file,
          undefined,
          `has more than the ${MAX_INPUT_BYTES / 1024 / 1024} MB that are read for one batch; enroll it with: c2p bulk start`,
        );
      yield marked ? chunk.subarray(BYTE_ORDER_MARK.length) : chunk;
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new InputError(
      'FILE_UNREADABLE',
      file,
      undefined,
      `cannot be read (${code}); check the path and its permissions`,
    );
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * @param bytes one line or field, as latin1 text.
 * @throws InputError `NOT_UTF8`
 */
export function decodeUtf8(bytes: string, file: string, line: number): string {
  try {
    return utf8.decode(Buffer.from(bytes, 'latin1'));
  } catch {
    throw new InputError('NOT_UTF8', file, line, 'is not UTF-8; convert the file to UTF-8');
  }
}
