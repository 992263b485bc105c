import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What an interrupted `writeWhole` leaves behind. */
const TEMPORARY_SUFFIX = '.tmp';
/** Each loss is one `removeFile` that ran meanwhile in the same folder; so many in a row are no coincidence. */
const MAX_LOSSES = 10;

/**
 * Writes a file of mode 0600 so that a reader, and a machine that loses power, sees the old bytes or
 * the new ones: written beside, flushed to the disk, renamed. Makes missing folders with mode 0700.
 *
 * Own code because write-file-atomic 7.0.1 takes a short write for a whole one (on a full disk it puts
 * half a file in place without an error) and does not flush the folder.
 */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  for (let losses = 0; ; losses += 1) {
    try {
      return await replace(path, bytes);
    } catch (error) {
      // The folder is not there yet, or `removeFile` took it or the temporary file away in between.
      if (!hasCode(error, 'ENOENT') || losses === MAX_LOSSES) throw error;
      await makeFolder(dirname(path));
    }
  }
}

async function replace(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString('hex')}${TEMPORARY_SUFFIX}`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await flushFolder(dirname(path));
}

/**
 * Removes a file, what interrupted writes left in its folder, and the folder if that was all. A file
 * that is not there is no error. A write in the same folder that loses its temporary file starts again.
 */
export async function removeFile(path: string): Promise<void> {
  const folder = dirname(path);
  await rm(path, { force: true });
  for (const name of await readFolder(folder))
    if (name.endsWith(TEMPORARY_SUFFIX)) await rm(join(folder, name), { force: true });
  try {
    await rmdir(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    return flushFolder(folder);
  }
  await flushFolder(dirname(folder));
}

/** The names in a folder; none if there is no such folder. */
export async function readFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

export function hasCode(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await flushFolder(dirname(made));
}

/** Makes the names in a folder outlive a power failure. Windows cannot, and needs not: NTFS logs them. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error; // removed meanwhile: nothing left to flush
  }
}
