import { realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { wayInside, type LocatedSource } from '../bulk/local-source.js';
import { readLayout } from '../bulk/records.js';
import { openSource } from '../bulk/source.js';
import type { BulkConfig } from '../config/config.js';
import type { SourceLocation } from '../enrollment/bulk.js';
import { BulkInvalidError } from './bulk-errors.js';

/**
 * Where workers find a source that is named on this machine, after a look at it: it is there, and its format
 * is known, and so is the header of CSV.
 *
 * @param source a URL, or a path: absolute, or relative to the working folder.
 * @param bulk with the folder that workers read portfolios from, as this machine sees it.
 * @returns the URL, or the path relative to the folder, with `/` between names.
 * @throws BulkInvalidError for a file that workers could not reach; SourceError for one that is no portfolio.
 */
export async function sharedSource(
  source: SourceLocation,
  bulk: BulkConfig | undefined,
): Promise<SourceLocation> {
  if ('url' in source) {
    await look(source, bulk);
    return source;
  }
  const path = await realPathOf(source.path, bulk?.folder);
  const way = wayInside(path.folder, path.file);
  if (way === undefined)
    throw new BulkInvalidError(
      `${source.path} is not inside ${bulk?.folder} (bulk.folder), which is all that workers read from; put the file there`,
    );
  await look({ path: path.file, folder: path.folder }, bulk);
  return { path: way.split(sep).join('/') };
}

async function look(source: LocatedSource, rules: BulkConfig | undefined): Promise<void> {
  await readLayout(await openSource(source, { rules }));
}

/** Both with links followed. */
async function realPathOf(
  path: string,
  folder: string | undefined,
): Promise<{ file: string; folder: string }> {
  if (folder === undefined)
    throw new BulkInvalidError(
      'the configuration has no bulk.folder: the folder, seen by this machine and by every worker, that portfolios are read from',
    );
  return { folder: await real(folder, 'bulk.folder'), file: await real(resolve(path), 'the source') };
}

async function real(path: string, what: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new BulkInvalidError(
      `${what}, ${path}, cannot be reached from this machine (${code}); a job is started where bulk.folder ` +
        'can be seen as workers see it',
    );
  }
}
