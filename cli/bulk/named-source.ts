import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { SourceLocation } from '../../enrollment/bulk.js';
import { readableByOthers } from '../../protection/private-file.js';
import { readChosen } from '../../protection/regular-file.js';

/** How a source is named on the command line, for the help. */
export const NAMING_A_SOURCE = [
  'An address with a signature in it is a secret, and every user of the machine can see the arguments of a',
  'command: write it to a file with mode 0600 and give @FILE, or set a variable and give env:NAME.',
] as const;

/**
 * What an argument names: what is written like an address is one, so that a wrong one gets the error of an address;
 * `@FILE` and `env:NAME` are where an address is, and anything else is a path.
 * @throws InvalidArgumentError, which never quotes an address.
 */
export async function namedSource(text: string): Promise<SourceLocation> {
  const [, file, variable] = /^(?:@(.+)|env:(.+))$/s.exec(text) ?? [];
  if (file !== undefined) return { url: await addressIn(file) };
  if (variable !== undefined) return { url: addressOf(variable) };
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? { url: text } : { path: text };
}

/** Many times the longest address with a signature. */
const MAX_ADDRESS_BYTES = 64 * 1024;

async function addressIn(file: string): Promise<string> {
  try {
    const exposed = readableByOthers(await stat(file), file);
    if (exposed !== undefined) throw new InvalidArgumentError(`The file of the address, ${file}: ${exposed}`);
    return (await readChosen(file, MAX_ADDRESS_BYTES)).toString('utf8').trim();
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw error;
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new InvalidArgumentError(`The file of the address, ${file}, cannot be read (${code}).`);
  }
}

function addressOf(variable: string): string {
  const address = process.env[variable];
  if (address) return address.trim();
  throw new InvalidArgumentError(
    `The environment variable ${variable}, which is to have the address, is not set.`,
  );
}

/** The name of a source without its extensions. */
export function nameIn(source: SourceLocation): string {
  let path = 'path' in source ? source.path : source.url;
  if ('url' in source && URL.canParse(path)) path = new URL(path).pathname;
  const name = basename(path).replace(/\.gz$/i, '');
  return basename(name, extname(name));
}
