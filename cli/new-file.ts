import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { access, link, open, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { InvalidArgumentError } from 'commander';
import { onExit } from 'signal-exit';
import { hasCode, readFolder } from '../store/whole-file.js';

/**
 * Writes a file of mode 0600 that is there whole or not at all, and never in the place of another. It is written
 * into a file without a name, which the system frees however the process ends, and has one only while it is copied
 * into its place: what a process leaves that is killed in that moment, the next one for the same file removes.
 * @param write puts what belongs into it; what it throws leaves no file.
 * @throws InvalidArgumentError where there is such a file, or it cannot be made.
 */
export async function writeNewFile(path: string, write: (out: Writable) => Promise<void>): Promise<void> {
  if (await isThere(path)) throw thereAlready(path);
  for (const name of await readFolder(dirname(path)))
    if (isLeft(name, path)) await rm(join(dirname(path), name), { force: true });
  const draft = await openIncomplete(path, async ({ name, file }) => ({
    writing: file,
    reading: await open(name, 'r'),
  }));
  try {
    await writeTo(draft.writing, write);
    await openIncomplete(path, ({ name, file }) => place(draft.reading, name, file, path));
  } finally {
    await draft.reading.close();
  }
}

const INCOMPLETE = /^\.incomplete-[0-9a-f]{16}\.tmp$/;

function isLeft(name: string, path: string): boolean {
  return name.startsWith(basename(path)) && INCOMPLETE.test(name.slice(basename(path).length));
}

/** Makes a file beside another, which has a name only while it is used. */
async function openIncomplete<T>(
  path: string,
  use: (incomplete: { name: string; file: FileHandle }) => Promise<T>,
): Promise<T> {
  const name = `${path}.incomplete-${randomBytes(8).toString('hex')}.tmp`;
  const forget = onExit(() => rmSync(name, { force: true }));
  try {
    const file = await open(name, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
      throw new InvalidArgumentError(`${path} cannot be written (${error.code}).`);
    });
    return await use({ name, file });
  } finally {
    await rm(name, { force: true });
    forget();
  }
}

async function writeTo(file: FileHandle, write: (out: Writable) => Promise<void>): Promise<void> {
  const out = file.createWriteStream();
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
}

async function place(draft: FileHandle, name: string, file: FileHandle, path: string): Promise<void> {
  await pipeline(draft.createReadStream(), file.createWriteStream({ flush: true }));
  await link(name, path).catch((error: unknown) => {
    throw hasCode(error, 'EEXIST') ? thereAlready(path) : error;
  });
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
