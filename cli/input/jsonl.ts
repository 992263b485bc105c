import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { decodeUtf8, readBytes } from './bytes.js';
import { InputError } from './input-error.js';
import type { InputRecords } from './read-records.js';

/**
 * Reads JSON values, one a line.
 * @throws InputError `FILE_UNREADABLE`, `NOT_UTF8`, `JSON_MALFORMED`
 */
export async function readJsonl(file: string): Promise<InputRecords> {
  const input: InputRecords = { file, records: [], lines: [] };
  const bytes = Readable.from(readBytes(file), { objectMode: false }).setEncoding('latin1');
  let line = 0;
  for await (const lineBytes of createInterface({ input: bytes, crlfDelay: Infinity })) {
    line += 1;
    const text = decodeUtf8(lineBytes, file, line).trim();
    if (text === '') continue;
    input.records.push(parseLine(text, file, line));
    input.lines.push({ line });
  }
  return input;
}

function parseLine(text: string, file: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InputError(
      'JSON_MALFORMED',
      file,
      line,
      'is not JSON; write one whole record on each line, without line breaks in it or commas between them',
    );
  }
}
