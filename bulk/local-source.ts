import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { SourceLocation } from '../enrollment/bulk.js';
import { SourceError } from './source-error.js';

/** Where this machine has a source. */
export type LocatedSource = SourceLocation & {
  /** That a file must be in when it is opened; anywhere if absent. */
  folder?: string | undefined;
};

/**
 * The file that a location names, where this machine has it. Everyone who may start workflows can name a location,
 * so none leads out of the folder, not even through links.
 *
 * @param folder of the configuration (`bulk.folder`).
 * @returns what `openSource` may open: the path with the folder, which it looks at once more, or the URL as it is.
 * @throws SourceError SOURCE_NOT_ALLOWED
 */
export async function locateSource(
  location: SourceLocation,
  folder: string | undefined,
): Promise<LocatedSource> {
  if (!('path' in location)) return location;
  const refuse = (problem: string) => new SourceError('SOURCE_NOT_ALLOWED', location.path, problem);
  if (folder === undefined)
    throw refuse('no folder for portfolios is configured; set bulk.folder on every worker, or give a URL');
  const path = resolve(folder, location.path);
  if (isAbsolute(location.path) || wayInside(folder, path) === undefined)
    throw refuse('must be relative to the folder for portfolios (bulk.folder), and inside it');
  try {
    if (wayInside(await realpath(folder), await realpath(path)) === undefined) throw leadsOut(location.path);
  } catch (error) {
    // The caller that opens it reports a missing one.
    if (error instanceof SourceError) throw error;
  }
  return { path, folder };
}

export function leadsOut(path: string): SourceError {
  return new SourceError(
    'SOURCE_NOT_ALLOWED',
    path,
    'is a link that leads out of the folder for portfolios (bulk.folder)',
  );
}

/** The way from a folder to a file in it; nothing for a path that is not inside. */
export function wayInside(folder: string, path: string): string | undefined {
  const way = relative(folder, path);
  const isOutside = way === '' || way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way);
  return isOutside ? undefined : way;
}
