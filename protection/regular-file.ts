import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** The `code` of the error for a named pipe, a device or the like; for a folder it is the system's, `EISDIR`. */
export const NOT_A_FILE = 'NOT_A_FILE';

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

/** The bytes of such a file. */
export async function readRegular(path: string): Promise<Buffer> {
  const file = await openRegular(path);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}
