import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/**
 * `npm run sbom`: writes a list of every package that runs with c2p, with version, licence and digest, to the file
 * that it is given, in the form of CycloneDX.
 */
const [file = 'sbom.cdx.json'] = process.argv.slice(2);

interface Lock {
  packages: Record<string, { dev?: boolean; devDependencies?: object }>;
}

const { devDependencies: _, ...project } = JSON.parse(await readFile('package.json', 'utf8')) as {
  name: string;
  devDependencies?: object;
};
const lock = JSON.parse(await readFile('package-lock.json', 'utf8')) as Lock;
// `npm sbom --omit dev` leaves out whatever a tool needs as well, `pg` and `node-forge` among it: so npm gets a lock
// that has no tools.
lock.packages = Object.fromEntries(Object.entries(lock.packages).filter(([, { dev }]) => !dev));
delete lock.packages['']!.devDependencies;

const folder = await mkdtemp(join(tmpdir(), 'c2p-sbom-'));
try {
  // npm names the project like its folder.
  const cwd = join(folder, project.name);
  await mkdir(cwd);
  await writeFile(join(cwd, 'package.json'), JSON.stringify(project));
  await writeFile(join(cwd, 'package-lock.json'), JSON.stringify(lock));
  const form = ['--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'];
  const { stdout } = await execa('npm', ['sbom', ...form], { cwd });
  await writeFile(file, `${stdout}\n`);
} finally {
  await rm(folder, { recursive: true });
}
