import { describe, expect, test } from 'vitest';
import { page, read } from './pages.js';

interface Locked {
  version: string;
  integrity?: string;
  license?: string;
  /** Only tools and tests need it. */
  dev?: boolean;
  hasInstallScript?: boolean;
}

const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
  string,
  Record<string, string>
>;
const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
const installed = Object.entries(packages)
  .filter(([path]) => path !== '')
  .map(([path, locked]) => ({ name: path.replace(/^.*node_modules\//, ''), ...locked }));

/** A cell's code, as in `a`, `b`. */
function codeIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
}

/** The first two columns of the table below this heading. */
function table(heading: string): [string, string][] {
  const { rows } = page('docs/dependencies.md').tables.find((one) => one.heading === heading)!;
  return rows.map(([first, second]) => [first!, second!]);
}

test('every dependency is pinned to one version, and whatever is installed to its content', () => {
  const versions = Object.values({ ...dependencies, ...devDependencies });
  expect(versions.filter((version) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))).toEqual([]);
  expect(installed.filter(({ integrity = '' }) => !integrity.startsWith('sha512-'))).toEqual([]);
});

describe('docs/dependencies.md', () => {
  test('says of each dependency why it is there, and of none that is not', () => {
    const listed = ['At run time', 'For development'].flatMap((heading) =>
      table(heading).flatMap(([names]) => codeIn(names)),
    );
    expect(listed.sort()).toEqual(Object.keys({ ...dependencies, ...devDependencies }).sort());
  });

  test('lists every licence of what runs with c2p, and by name the packages of the rare ones', () => {
    const names = new Map<string, Set<string>>();
    for (const { name, license = 'none', dev } of installed)
      if (!dev) names.set(license, (names.get(license) ?? new Set()).add(name));
    const rows = table('Licences');
    expect(rows.map(([licence]) => codeIn(licence)[0]!).sort()).toEqual([...names.keys()].sort());
    for (const [licence, which] of rows) {
      const named = codeIn(which);
      const wanted = [...names.get(codeIn(licence)[0]!)!];
      if (which !== 'most') expect(wildcards(wanted), licence).toEqual(named.sort());
    }
  });

  test('names each package that has an install script, and what the script does', () => {
    const withScript = installed.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name);
    expect(wildcards(withScript)).toEqual(
      table('Install scripts')
        .flatMap(([names]) => codeIn(names))
        .sort(),
    );
  });
});

/** Sorted; what differs by the machine's kind alone, once. */
function wildcards(names: readonly string[]): string[] {
  const platform = /(?<=\/(?:core-)?)(?:darwin|linux|win32|windows)-.*$/;
  return [...new Set(names.map((name) => name.replace(platform, '*')))].sort();
}
