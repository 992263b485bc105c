import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

export const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));

/** Packs the built checkout, as `npm publish` would. */
export async function pack(...options: string[]): Promise<{ filename: string; files: string[] }> {
  const { stdout } = await execa('npm', ['pack', '--ignore-scripts', '--json', ...options], {
    cwd: CHECKOUT,
  });
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  return { filename, files: files.map(({ path }) => path) };
}

/** Somebody else's project, outside of the checkout, that has only our packed package. */
export class Stranger {
  private constructor(readonly folder: string) {}

  /** Packs the built checkout and installs the tarball, its dependencies from the registry, in an empty project. */
  static async create(): Promise<Stranger> {
    const folder = await mkdtemp(join(tmpdir(), 'c2p-stranger-'));
    const { filename } = await pack('--pack-destination', folder);
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const stranger = new Stranger(folder);
    const quickly = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
    await stranger.run('npm', ['install', `./${filename}`, ...quickly]);
    return stranger;
  }

  /** Starts a program in the project, with no Temporal but the one that `env` names. */
  run(program: string, args: readonly string[], env: Record<string, string> = {}) {
    const withoutTemporal = { TEMPORAL_ADDRESS: undefined, TEMPORAL_NAMESPACE: undefined };
    return execa(program, args, { cwd: this.folder, stdin: 'ignore', env: { ...withoutTemporal, ...env } });
  }

  /**
   * Compiles a TypeScript file of the project as strictly as TypeScript can, declarations of packages
   * included. Of `@types` it gets Node's, and those of `ms` because Temporal's declarations import it
   * without depending on its types.
   */
  async compile(...files: string[]): Promise<void> {
    const types = join(this.folder, 'node_modules/@types');
    await mkdir(types, { recursive: true });
    for (const name of ['node', 'ms']) {
      await rm(join(types, name), { recursive: true, force: true });
      await symlink(join(CHECKOUT, 'node_modules/@types', name), join(types, name));
    }
    const tsc = join(CHECKOUT, 'node_modules/typescript/bin/tsc');
    const options = ['--strict', '--module', 'NodeNext', '--target', 'ES2022', '--skipLibCheck', 'false'];
    await this.run(process.execPath, [tsc, ...options, '--types', 'node', '--noEmitOnError', ...files]);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
