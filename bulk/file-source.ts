import { open, type FileHandle } from 'node:fs/promises';
import { SourceChangedError, SourceError } from './source-error.js';
import { requireSame, type SourceIdentity, type StoredBytes } from './stored-bytes.js';

const BLOCK_BYTES = 64 * 1024;

/**
 * A local file.
 * @throws SourceError
 */
export async function openFile(path: string): Promise<StoredBytes> {
  const file = await attempt(path, () => open(path, 'r'));
  try {
    const identity = await identify(file, path);
    const { buffer, bytesRead } = await attempt(path, () => file.read(Buffer.alloc(2), 0, 2, 0));
    const head = buffer.subarray(0, bytesRead);
    return { identity, head, read: (from, to) => readFile(path, identity, from, to) };
  } finally {
    await file.close();
  }
}

async function* readFile(
  path: string,
  identity: SourceIdentity,
  from: number,
  to: number,
): AsyncGenerator<Buffer> {
  const file = await attempt(path, () => open(path, 'r'));
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

async function identify(file: FileHandle, path: string): Promise<SourceIdentity> {
  const found = await attempt(path, () => file.stat({ bigint: true }));
  if (!found.isFile())
    throw new SourceError('SOURCE_UNREADABLE', path, 'is not a file; give the path of one');
  return { size: Number(found.size), version: `modified at ${found.mtimeNs} ns` };
}

/** Errors that waiting does not mend; others may come from a network disk that is away for a while. */
const LASTING: ReadonlySet<string> = new Set([
  'ENOENT',
  'EACCES',
  'EPERM',
  'EISDIR',
  'ENOTDIR',
  'ENAMETOOLONG',
  'ELOOP',
]);

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    if (LASTING.has(code)) {
      const problem = `cannot be read (${code}); check the path and its permissions on every worker`;
      throw new SourceError('SOURCE_UNREADABLE', path, problem);
    }
    throw new SourceError('SOURCE_UNAVAILABLE', path, `cannot be read at present (${code}); check the disk`);
  }
}
