import { constants } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Reject } from './reject.js';

/** The reject file lacks what earlier pages wrote. */
export class RejectFileError extends Error {
  override readonly name = 'RejectFileError';
  readonly code = 'REJECT_FILE_INCOMPLETE';
}

/**
 * The rejects of a portfolio, one JSON object a line: `{line, path, code}`, no values.
 *
 * Who writes says behind how many bytes; who goes on after an interruption writes over what is there. The
 * same source always gives the same bytes at the same place, so that an attempt that was given up for dead
 * may still write beside the next one. Therefore only as much of the file counts as the last page says.
 */
export class RejectFile {
  private constructor(
    private readonly file: FileHandle,
    /** In bytes. */
    readonly sizeAtOpening: number,
  ) {}

  /** Opens the file, which is made with mode 0600 if it is not there. Close it. */
  static async open(path: string): Promise<RejectFile> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      return new RejectFile(file, (await file.stat()).size);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Empties the file: what another job left in it. */
  async clear(): Promise<void> {
    await this.file.truncate(0);
  }

  /** Writes lines behind so many bytes. */
  async write(lines: Uint8Array, at: number): Promise<void> {
    for (let done = 0; done < lines.length;)
      done += (await this.file.write(lines, done, lines.length - done, at + done)).bytesWritten;
  }

  /** Makes what was written outlive a power failure, and closes the file. */
  async finish(): Promise<void> {
    try {
      await this.file.sync();
    } finally {
      await this.file.close();
    }
  }
}

/** A reject as it stands in the file. */
export function rejectLine({ line, path, code }: Reject): string {
  return `${JSON.stringify({ line, path, code })}\n`;
}
