import type { Stats } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { dirname, join, parse, sep } from 'node:path';

/**
 * Why a file is not as private as a secret must be; nothing where it is. Not checked on Windows, where
 * modes say nothing.
 */
export function readableByOthers({ mode }: Pick<Stats, 'mode'>, path: string): string | undefined {
  return problem(mode, 0o077, `others can read it`, `chmod 600 '${path}'`);
}

/** Why others could change a file. */
export function writableByOthers({ mode }: Pick<Stats, 'mode'>, path: string): string | undefined {
  return problem(mode, 0o022, `others can change it`, `chmod go-w '${path}'`);
}

function problem(mode: number, forbidden: number, what: string, remedy: string): string | undefined {
  if (process.platform === 'win32' || (mode & forbidden) === 0) return undefined;
  return `${what} (mode ${octal(mode)}); run: ${remedy}`;
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

const STICKY = 0o1000;
/** As many as Linux follows. */
const MOST_LINKS = 40;

/**
 * Why others than root and the user of this process could have another program run in a program's place: they
 * change it, a folder above it, or a link on its way. In a sticky folder, such as /tmp, everybody may write, but
 * only the owner of what is there, and of the folder, may exchange it: it is enough that both are to be trusted.
 * Access control lists are not looked at. Nor is anything on Windows, where modes say nothing.
 * @param user of this process; for tests.
 * @throws NodeJS.ErrnoException where there is no such file.
 */
export async function replaceableByOthers(
  path: string,
  user = process.geteuid?.(),
): Promise<string | undefined> {
  if (user === undefined) return undefined;
  const { root } = parse(path);
  const left = path.slice(root.length).split(sep);
  let at = root;
  let problem = problemOf(at, await lstat(at), user);
  for (let links = 0; problem === undefined;) {
    const name = left.shift();
    if (name === undefined) return undefined;
    if (name === '' || name === '.') continue;
    const next = name === '..' ? dirname(at) : join(at, name);
    const found = await lstat(next);
    problem = problemOf(next, found, user);
    if (!found.isSymbolicLink()) at = next;
    else if ((links += 1) > MOST_LINKS) return `there are more than ${MOST_LINKS} links on the way to it`;
    else {
      const target = await readlink(next);
      if (target.startsWith(sep)) at = root;
      left.unshift(...target.split(sep));
    }
  }
  return problem;
}

function problemOf(path: string, found: Stats, user: number): string | undefined {
  const { uid, mode } = found;
  const what = `the ${found.isSymbolicLink() ? 'link' : found.isDirectory() ? 'folder' : 'file'} ${path}`;
  if (uid !== 0 && uid !== user) {
    const others = user === 0 ? 'not to root' : `neither to root nor to user ${user}, as which c2p runs`;
    return `others can change it (${what} belongs to user ${uid}, ${others}); run: chown -h root '${path}'`;
  }
  const isShared = found.isDirectory() && (mode & STICKY) !== 0;
  if (found.isSymbolicLink() || isShared || (mode & 0o022) === 0) return undefined;
  return `others can change it (${what} has mode ${octal(mode)}); run: chmod go-w '${path}'`;
}
