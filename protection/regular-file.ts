import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** The `code` of the error for a named pipe, a device or the like; for a folder it is the system's, `EISDIR`. */
export const NOT_A_FILE = 'NOT_A_FILE';

/** The `code` of the error for a file that has more bytes than are read of it. */
export const TOO_LARGE = 'FILE_TOO_LARGE';

/**
 * Opens a file that somebody else may have put there, for reading. What it is is looked at once it is open, and it is
 * opened without waiting: a named pipe would hold one of Node's few threads for files until somebody writes into it.
 * @throws Error with a `code`, of the system or `NOT_A_FILE`.
 */
export async function openRegular(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const found = await file.stat();
    if (found.isFile()) return file;
    throw Object.assign(new Error('not a file'), { code: found.isDirectory() ? 'EISDIR' : NOT_A_FILE });
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The bytes of such a file. @throws Error with a `code`, also `TOO_LARGE`. */
export async function readRegular(path: string, maxBytes: number): Promise<Buffer> {
  return readAndClose(await openRegular(path), maxBytes);
}

/** The bytes of a file that its reader chose, which may be a pipe. @throws Error with a `code`, also `TOO_LARGE`. */
export async function readChosen(path: string, maxBytes: number): Promise<Buffer> {
  return readAndClose(await open(path), maxBytes);
}

async function readAndClose(file: FileHandle, maxBytes: number): Promise<Buffer> {
  try {
    return await readAtMost(file, maxBytes);
  } finally {
    await file.close();
  }
}

/** The bytes of an open file. @throws Error with the `code` `TOO_LARGE` */
export async function readAtMost(file: FileHandle, maxBytes: number): Promise<Buffer> {
  const bytes = await readBeginning(file, maxBytes + 1);
  if (bytes.length > maxBytes) throw Object.assign(new Error('too large'), { code: TOO_LARGE });
  return bytes;
}

/** The first bytes of an open file, which may have fewer. */
export async function readBeginning(file: FileHandle, bytes: number): Promise<Buffer> {
  const blocks: Buffer[] = [];
  // Without a start: a pipe has none.
  const stream = file.createReadStream({ end: bytes - 1, autoClose: false });
  for await (const block of stream as AsyncIterable<Buffer>) blocks.push(block);
  return Buffer.concat(blocks);
}
