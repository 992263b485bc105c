import { randomBytes } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { access, link, mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { openRegular, readBeginning } from '../protection/regular-file.js';
import { MAX_SEALED_BYTES } from '../protection/seal.js';

/** What an interrupted `writeWhole` leaves behind. */
const TEMPORARY_SUFFIX = '.tmp';
/** What a `rewriteWhole` works on; `removeFile` takes it for an interrupted write. */
const REWRITE_SUFFIX = `.rewrite${TEMPORARY_SUFFIX}`;
/** Each loss is one `removeFile` that ran meanwhile in the same folder; so many in a row are no coincidence. */
const MAX_LOSSES = 10;

/**
 * Writes a file of mode 0600 so that a reader, and a machine that loses power, sees the old bytes or
 * the new ones: written beside, flushed to the disk, renamed. Makes missing folders with mode 0700.
 *
 * Own code because write-file-atomic 7.0.1 takes a short write for a whole one (on a full disk it puts
 * half a file in place without an error) and does not flush the folder.
 */
export function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  return write(path, bytes, rename);
}

/**
 * The same, unless there is such a file: then that one stays.
 * @returns whether it was written.
 */
export async function writeNew(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    await write(path, bytes, async (temporary) => {
      await link(temporary, path);
      await rm(temporary, { force: true });
    });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** @param place puts what was written beside in its place. */
async function write(
  path: string,
  bytes: Uint8Array,
  place: (temporary: string, path: string) => Promise<void>,
): Promise<void> {
  for (let losses = 0; ;) {
    try {
      if (losses > 0) await makeFolder(dirname(path));
      const written = await placeWhole(path, bytes, place);
      await removeRewrites(path);
      if (await isUndone(path, written)) {
        place = rename;
        continue;
      }
      return await flushFolder(dirname(path));
    } catch (error) {
      // The folder is not there yet, or `removeFile` took it or the temporary file away in between.
      if (!hasCode(error, 'ENOENT') || losses === MAX_LOSSES) throw error;
      losses += 1;
    }
  }
}

async function placeWhole(
  path: string,
  bytes: Uint8Array,
  place: (temporary: string, path: string) => Promise<void>,
): Promise<BigIntStats> {
  const temporary = temporaryOf(path, TEMPORARY_SUFFIX);
  try {
    const file = await open(temporary, 'wx', 0o600);
    let written: BigIntStats;
    try {
      await file.writeFile(bytes);
      await file.sync();
      written = await file.stat({ bigint: true });
    } finally {
      await file.close();
    }
    await place(temporary, path);
    return written;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Exchanges a file's bytes for others that say the same, as `writeWhole` does, unless somebody writes or
 * removes the file meanwhile: their will is done. The file counts as written when it was before.
 *
 * There is no lock, which a dead process could hold. The temporary file is made before the old bytes are
 * read; who writes or removes the file then removes such temporary files, so that the exchange fails, and
 * looks whether one has slipped in before that, in which case it begins again. A rewrite of what was there
 * before is either found by the first or seen by the second, however late it comes.
 *
 * @param rewrite makes the new bytes of the old ones; what it throws leaves the file as it is.
 * @returns whether the bytes were exchanged.
 */
export async function rewriteWhole(
  path: string,
  rewrite: (bytes: Uint8Array) => Promise<Uint8Array>,
): Promise<boolean> {
  const temporary = temporaryOf(path, REWRITE_SUFFIX);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      const original = await readWithTime(path);
      await file.writeFile(await rewrite(original.bytes));
      // Never newer than the original: see `isUndone`.
      const time = new Date(Math.floor(original.mtimeMs) - 1);
      await file.utimes(time, time);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    if (!hasCode(error, 'ENOENT')) throw error;
    await removeIfEmpty(dirname(path));
    return false;
  }
  await flushFolder(dirname(path));
  return true;
}

async function readWithTime(path: string): Promise<{ bytes: Uint8Array; mtimeMs: number }> {
  const file = await openRegular(path);
  try {
    const { mtimeMs } = await file.stat();
    return { bytes: await readBeginning(file, MAX_SEALED_BYTES + 1), mtimeMs };
  } finally {
    await file.close();
  }
}

/** Ends every rewrite of a file that is under way. */
async function removeRewrites(path: string): Promise<void> {
  const folder = dirname(path);
  const beginning = `${basename(path)}.`;
  for (const name of await readFolder(folder))
    if (name.startsWith(beginning) && name.endsWith(REWRITE_SUFFIX))
      await rm(join(folder, name), { force: true });
}

/** Whether a rewrite of what was there before has taken the place of what was written: it looks older. */
async function isUndone(path: string, written: BigIntStats): Promise<boolean> {
  try {
    const found = await stat(path, { bigint: true });
    return found.ino !== written.ino && found.mtimeNs <= written.mtimeNs;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

function temporaryOf(path: string, suffix: string): string {
  return `${path}.${randomBytes(8).toString('hex')}${suffix}`;
}

/**
 * Removes a file, what interrupted writes left in its folder, and the folder if that was all. A file
 * that is not there is no error. A write in the same folder that loses its temporary file starts again.
 */
export async function removeFile(path: string): Promise<void> {
  const folder = dirname(path);
  do {
    await rm(path, { force: true });
    for (const name of await readFolder(folder))
      if (name.endsWith(TEMPORARY_SUFFIX)) await rm(join(folder, name), { force: true });
    // Else a rewrite came between the two.
  } while (await exists(path));
  await removeIfEmpty(folder);
}

async function removeIfEmpty(folder: string): Promise<void> {
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

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
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
