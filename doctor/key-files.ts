import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { readableByOthers, replaceableByOthers, writableByOthers } from '../protection/private-file.js';
import { findings, type Finding } from './finding.js';

export interface KeyFile {
  /** Where the configuration names it. */
  field: string;
  path: string;
  /** A secret key, which its owner alone may read; with a public one, others must only not exchange it. */
  secret: boolean;
  program?: string | undefined;
}

/** Whether the file of a key is there, can be read, and by whom else. */
export async function checkKeyFile({ field, path, secret, program }: KeyFile): Promise<Finding> {
  const { ok, warning, failed } = findings('key-file', program);
  const what = `${field} ${path}`;
  try {
    await access(path, constants.R_OK);
    const found = await stat(path);
    if (!found.isFile()) return failed(`${what} is not a file`, `name the file of the key in ${field}`);
    const problem = secret ? readableByOthers(found, path) : writableByOthers(found, path);
    if (problem === undefined) return ok(`${what}${shownMode(found.mode)}`);
    const [wrong = '', todo = ''] = problem.split('; ');
    return (secret ? failed : warning)(`${what}: ${wrong}`, todo);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      const make = field === 'dataKeys.path' ? 'run: c2p keys init' : 'put it there';
      return failed(`${what} does not exist`, `${make}; or correct ${field}`);
    }
    return failed(`${what} cannot be read (${code})`, 'have it owned by the user that c2p runs as');
  }
}

/** Whether the program that prints the key ring can be run, and nobody else could put another in its place. */
export async function checkKeyProgram(path: string): Promise<Finding> {
  const { ok, failed } = findings('key-file');
  const what = `dataKeys.command ${path}`;
  try {
    await access(path, constants.X_OK);
    const problem = await replaceableByOthers(path);
    if (problem === undefined) return ok(what);
    const [wrong = '', todo = ''] = problem.split('; ');
    return failed(`${what}: ${wrong}`, todo);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    return failed(
      `${what} cannot be run (${code})`,
      'name a program there that this user can run, by its path',
    );
  }
}

function shownMode(mode: number): string {
  return process.platform === 'win32' ? '' : `, mode ${(mode & 0o777).toString(8).padStart(4, '0')}`;
}
