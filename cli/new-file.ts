import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { access, link, open, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { InvalidArgumentError } from 'commander';
import { onExit } from 'signal-exit';
import { hasCode } from '../store/whole-file.js';

/**
 * Writes a file of mode 0600 that is there whole or not at all, and never in the place of another. Nothing
 * of it stays behind where it is interrupted.
 * @param write puts what belongs into it; what it throws leaves no file.
 * @throws InvalidArgumentError where there is such a file, or it cannot be made.
 */
export async function writeNewFile(path: string, write: (out: Writable) => Promise<void>): Promise<void> {
  if (await isThere(path)) throw thereAlready(path);
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`;
  const forget = onExit(() => rmSync(temporary, { force: true }));
  try {
    const file = await open(temporary, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
      throw new InvalidArgumentError(`${path} cannot be written (${error.code}).`);
    });
    const out = file.createWriteStream({ flush: true });
    const written = finished(out);
    try {
      await write(out);
      out.end();
    } catch (error) {
      out.destroy();
      await written.catch(() => {});
      throw error;
    }
    await written;
    await link(temporary, path).catch((error: unknown) => {
      throw hasCode(error, 'EEXIST') ? thereAlready(path) : error;
    });
  } finally {
    await rm(temporary, { force: true });
    forget();
  }
}

function thereAlready(path: string): InvalidArgumentError {
  return new InvalidArgumentError(`${path} is there already; give --output another name.`);
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
