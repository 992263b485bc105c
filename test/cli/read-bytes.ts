import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { vi } from 'vitest';
import { InputError } from '../../cli/input/input-error.js';
import type { InputRecords } from '../../cli/input/input-records.js';
import { readRecords } from '../../cli/input/read-records.js';
import { validateRecords } from '../../enrollment/validation.js';
import { expectNoSecret, shownBy } from '../support/fuzz/secrets.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const disk = vi.hoisted(() => ({ file: Buffer.alloc(0), block: 1 }));

// Ten thousand files take a disk longer than the reading; and blocks of any size come to be read.
vi.mock('node:fs', () => ({
  createReadStream: () => Readable.from(blocks(disk.file, disk.block)),
}));

function blocks(bytes: Buffer, size: number): Buffer[] {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
}

const TODAY = new Date('2026-11-24T12:00:00Z');

/**
 * What becomes of a file with these bytes: its records, with which everybody who gets them can go on, or
 * an InputError that shows nothing of it.
 * @param block how many bytes the disk gives at once.
 */
export async function readInput(
  { bytes, block }: { bytes: Buffer; block: number },
  extension: string,
): Promise<InputRecords | InputError> {
  Object.assign(disk, { file: bytes, block });
  const read = await readRecords(`input${extension}`).catch((error: unknown) => {
    expectNoSecret(shownBy(error));
    if (!(error instanceof InputError)) throw error;
    return error;
  });
  if (read instanceof InputError) return read;
  assert.equal(read.lines.length, read.records.length);
  const { outcomes, positions } = validateRecords(read.records, batchEnroll.records, TODAY);
  expectNoSecret(
    shownBy([positions, outcomes.map(({ status, reason, details }) => [status, reason, details])]),
  );
  JSON.stringify(read.records);
  return read;
}

/** Text of these bytes, if they are UTF-8. */
export function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const MARK = Buffer.from('\uFEFF');

export function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, 3).equals(MARK) ? bytes.subarray(3) : bytes;
}
