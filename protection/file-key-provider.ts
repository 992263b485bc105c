import type { KeyProvider } from './key-provider.js';
import { KeyRingError, MAX_KEY_RING_BYTES } from './key-ring-json.js';
import { readableByOthers } from './private-file.js';
import { openRegular, readAtMost } from './regular-file.js';

/** A few hundred bytes: reading them costs less than the blob that they open. */
const FILE_MAX_AGE_MS = 1_000;

/** A file that only its owner may be able to read. */
export function fileKeyProvider(path: string): KeyProvider {
  return { source: path, maxAgeMs: FILE_MAX_AGE_MS, read: () => readPrivateFile(path) };
}

async function readPrivateFile(path: string): Promise<string> {
  const file = await openRegular(path).catch((error: NodeJS.ErrnoException) => {
    throw new KeyRingError(path, unreadable(error));
  });
  try {
    const problem = readableByOthers(await file.stat(), path);
    if (problem) throw new KeyRingError(path, problem);
    return (await readAtMost(file, MAX_KEY_RING_BYTES)).toString('utf8');
  } catch (error) {
    throw error instanceof KeyRingError
      ? error
      : new KeyRingError(path, unreadable(error as NodeJS.ErrnoException));
  } finally {
    await file.close();
  }
}

function unreadable({ code = 'unknown error' }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT')
    return 'there is no such file; set dataKeys.path to where the key ring is, or make one: c2p keys init';
  return `cannot be read (${code}); set dataKeys.path to a file that this user can read`;
}
