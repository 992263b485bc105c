import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { CSV_COLUMNS } from '../../bulk/csv-columns.js';
import { InputError } from '../../cli/input/input-error.js';
import type { InputRecords } from '../../cli/input/input-records.js';
import { readRecords } from '../../cli/input/read-records.js';

export const folder = await mkdtemp(join(tmpdir(), 'c2p-input-'));

/** What a file with this content is read as. */
export async function read(content: string | Uint8Array, extension: string): Promise<InputRecords> {
  const file = join(folder, `input${extension}`);
  await writeFile(file, content);
  return readRecords(file);
}

/** The error of a file that must not be readable. */
export async function errorOf(reading: Promise<unknown>): Promise<InputError> {
  const error = await reading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  return error as InputError;
}

/** Everything an error would show, its cause and other properties included. */
export function shown(error: InputError): string {
  return JSON.stringify([error.message, error.stack, Object.entries(error), error.cause]);
}

/** Stands for what must not be quoted. */
export const MARK = 'MARK5186001700009726';

export const REQUIRED = CSV_COLUMNS.filter(({ required }) => required).map(({ name }) => name);
export const HEADER = REQUIRED.join(',');
export const ROW = 'c1,ana@example.com,1,5555550100,Ana,Díaz,US,en,k1,5186001700009726,10,2030';
