import { lstat, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { NOT_A_FILE, openRegular } from '../protection/regular-file.js';
import { leadsOut, wayInside } from './local-source.js';
import { SourceChangedError, SourceError } from './source-error.js';
import { requireSame, type SourceIdentity, type StoredBytes } from './stored-bytes.js';

const BLOCK_BYTES = 64 * 1024;

/**
 * A local file.
 * @param folder that it must be in, each time that it is opened; anywhere if absent.
 * @throws SourceError
 */
export async function openFile(path: string, folder?: string): Promise<StoredBytes> {
  const file = await openInside(path, folder);
  try {
    const identity = await identify(file, path);
    const { buffer, bytesRead } = await attempt(path, () => file.read(Buffer.alloc(2), 0, 2, 0));
    const head = buffer.subarray(0, bytesRead);
    return { identity, head, read: (from, to) => readFile(path, folder, identity, from, to) };
  } finally {
    await file.close();
  }
}

async function* readFile(
  path: string,
  folder: string | undefined,
  identity: SourceIdentity,
  from: number,
  to: number,
): AsyncGenerator<Buffer> {
  const file = await openInside(path, folder);
  try {
    requireSame(path, identity, await identify(file, path));
    for (let at = from; at < to;) {
      // A buffer of its own each time: what was yielded belongs to the reader.
      const block = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, to - at));
      const { bytesRead } = await attempt(path, () => file.read(block, 0, block.length, at));
      if (bytesRead === 0) throw new SourceChangedError(path, `ends at byte ${at}`);
      at += bytesRead;
      yield block.subarray(0, bytesRead);
    }
    // Who writes into a file while it is read has mixed two versions in what was read.
    requireSame(path, identity, await identify(file, path));
  } finally {
    await file.close();
  }
}

/** Opens first and then looks at what is open: what a name leads to may be exchanged between any two looks. */
async function openInside(path: string, folder: string | undefined): Promise<FileHandle> {
  const file = await attempt(path, () => openRegular(path));
  if (folder === undefined) return file;
  try {
    const [root, place] = await attempt(path, () => Promise.all([realpath(folder), placeOf(file, path)]));
    if (place !== undefined && wayInside(root, place) !== undefined) return file;
    throw leadsOut(path);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Where an open file is, as Linux says; elsewhere where its name leads to now, if that is the same file. */
async function placeOf(file: FileHandle, path: string): Promise<string | undefined> {
  const known = await readlink(`/proc/self/fd/${file.fd}`).catch(() => undefined);
  if (known !== undefined) return known;
  const place = await realpath(path);
  const [opened, found] = await Promise.all([file.stat({ bigint: true }), lstat(place, { bigint: true })]);
  return opened.dev === found.dev && opened.ino === found.ino ? place : undefined;
}

async function identify(file: FileHandle, path: string): Promise<SourceIdentity> {
  const found = await attempt(path, () => file.stat({ bigint: true }));
  return { size: Number(found.size), version: `modified at ${found.mtimeNs} ns` };
}

/** Errors that waiting does not mend; others may come from a network disk that is away for a while. */
const LASTING: ReadonlySet<string> = new Set([
  'ENOENT',
  'EACCES',
  'EPERM',
  'ENOTDIR',
  'ENAMETOOLONG',
  'ELOOP',
  'ENXIO',
]);

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    if (code === NOT_A_FILE || code === 'EISDIR')
      throw new SourceError('SOURCE_UNREADABLE', path, 'is not a file; give the path of one');
    if (LASTING.has(code)) {
      const problem = `cannot be read (${code}); check the path and its permissions on every worker`;
      throw new SourceError('SOURCE_UNREADABLE', path, problem);
    }
    throw new SourceError('SOURCE_UNAVAILABLE', path, `cannot be read at present (${code}); check the disk`);
  }
}
