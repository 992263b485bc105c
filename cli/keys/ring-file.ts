import { mkdir, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import lockfile from 'proper-lockfile';
import { fileKeyProvider } from '../../protection/file-key-provider.js';
import { KeyRingError, parseKeyRing, type KeyRingJson } from '../../protection/key-ring-json.js';
import { hasCode, writeWhole } from '../../store/whole-file.js';

/** Of a command that died; a living one renews its lock. */
const STALE_MS = 10_000;

/**
 * Changes a key ring in its file: one change at a time, and a reader meanwhile sees the old ring or
 * the new one. The file stays the one owner's that it was.
 *
 * @param change makes the new ring of what is there; what it throws leaves the file as it is.
 * @throws KeyRingError
 */
export async function changeRingFile(
  path: string,
  change: (ring: KeyRingJson) => KeyRingJson,
): Promise<KeyRingJson> {
  const file = await realpath(path).catch(() => path);
  return whileLocked(file, async () => {
    const ring = parseKeyRing(await fileKeyProvider(path).read(), path);
    await requireOwner(file);
    const changed = change(ring);
    await write(file, changed);
    return changed;
  });
}

/**
 * Writes a key ring where there is none yet.
 * @throws KeyRingError where there is something already.
 */
export async function makeRingFile(path: string, ring: KeyRingJson): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch(cannotWrite(path));
  await whileLocked(path, async () => {
    const there = await stat(path).catch((error: unknown) => {
      if (!hasCode(error, 'ENOENT')) throw error;
    });
    if (there)
      throw new KeyRingError(path, 'is there already, and stays as it is; c2p keys rotate adds a key to it');
    await write(path, ring);
  });
}

async function write(file: string, ring: KeyRingJson): Promise<void> {
  await writeWhole(file, Buffer.from(`${JSON.stringify(ring, null, 2)}\n`)).catch(cannotWrite(file));
}

/** A file that is written anew belongs to who writes it: root would take it away from the workers. */
async function requireOwner(file: string): Promise<void> {
  const { uid } = await stat(file);
  if (process.getuid === undefined || process.getuid() === uid) return;
  throw new KeyRingError(file, `belongs to the user with id ${uid}; run this command as that user`);
}

async function whileLocked<T>(file: string, work: () => Promise<T>): Promise<T> {
  const unlock = await lockfile
    .lock(file, {
      realpath: false,
      stale: STALE_MS,
      retries: { retries: 20, minTimeout: 50, maxTimeout: 500 },
    })
    .catch((error: unknown) => {
      if (hasCode(error, 'ELOCKED'))
        throw new KeyRingError(file, 'another command is changing it; try again');
      return cannotWrite(file)(error);
    });
  try {
    return await work();
  } finally {
    await unlock();
  }
}

function cannotWrite(file: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    const remedy = 'change the key ring where it can be written, and distribute it from there';
    throw new KeyRingError(file, `cannot be written (${String(error.code)}); ${remedy}`);
  };
}
