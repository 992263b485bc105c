import type { Stats } from 'node:fs';

/**
 * Why a file is not as private as a secret must be; nothing where it is. Not checked on Windows, where
 * modes say nothing.
 */
export function readableByOthers({ mode }: Pick<Stats, 'mode'>, path: string): string | undefined {
  return problem(mode, 0o077, `others can read it`, `chmod 600 '${path}'`);
}

/** Why others could put something else in a file's place, such as a program that prints keys. */
export function writableByOthers({ mode }: Pick<Stats, 'mode'>, path: string): string | undefined {
  return problem(mode, 0o022, `others can change it`, `chmod go-w '${path}'`);
}

function problem(mode: number, forbidden: number, what: string, remedy: string): string | undefined {
  if (process.platform === 'win32' || (mode & forbidden) === 0) return undefined;
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  return `${what} (mode ${octal}); run: ${remedy}`;
}
