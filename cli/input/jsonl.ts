import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { MAX_LINE_BYTES } from '../../bulk/jsonl.js';
import { isDeeper, MAX_DEPTH } from '../../protection/json-depth.js';
import { decodeUtf8, readBytes } from './bytes.js';
import { InputError } from './input-error.js';
import type { InputRecords } from './input-records.js';

/**
 * Reads JSON values, one a line.
 * @throws InputError `FILE_UNREADABLE`, `FILE_TOO_LARGE`, `NOT_UTF8`, `JSON_MALFORMED`
 */
export async function readJsonl(file: string): Promise<InputRecords> {
  const input: InputRecords = { file, records: [], lines: [] };
  const bytes = Readable.from(readBytes(file), { objectMode: false }).setEncoding('latin1');
  let line = 0;
  for await (const lineBytes of createInterface({ input: bytes, crlfDelay: Infinity })) {
    line += 1;
    if (lineBytes.length > MAX_LINE_BYTES) throw tooLong(file, line);
    const text = decodeUtf8(lineBytes, file, line).trim();
    if (text === '') continue;
    input.records.push(parseLine(text, file, line));
    input.lines.push({ line });
  }
  return input;
}

function tooLong(file: string, line: number): InputError {
  return new InputError(
    'JSON_MALFORMED',
    file,
    line,
    'is too long for a record; a line break may be missing',
  );
}

function parseLine(text: string, file: string, line: number): unknown {
  const malformed = (problem: string) => new InputError('JSON_MALFORMED', file, line, problem);
  if (isDeeper(text, MAX_DEPTH))
    throw malformed(`has more than ${MAX_DEPTH} brackets in one another; a record has a handful`);
  try {
    return JSON.parse(text);
  } catch {
    throw malformed(
      'is not JSON; write one whole record on each line, without line breaks in it or commas between them',
    );
  }
}
