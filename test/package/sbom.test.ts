import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';
import { read } from '../docs/pages.js';
import { CHECKOUT } from './stranger.js';

interface Component {
  name: string;
  version: string;
  hashes?: { alg: string; content: string }[];
}

test('npm run sbom lists every package that runs with c2p, as the lock has it, and no tool', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'c2p-sbom-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'sbom.cdx.json');
  await execa(process.execPath, ['dist/dev/sbom.js', file], { cwd: CHECKOUT });
  const { metadata, components } = JSON.parse(await readFile(file, 'utf8')) as {
    metadata: { component: Component };
    components: Component[];
  };

  const { name, version } = JSON.parse(read('package.json')) as Component;
  expect(metadata.component).toMatchObject({ name, version });
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { version: string; integrity: string; dev?: boolean }>;
  };
  const locked = Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .map(([path, { version, integrity }]) => {
      const digest = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex');
      return `${path.replace(/^.*node_modules\//, '')} ${version} ${digest}`;
    });
  const listed = components.map(({ name, version, hashes }) => `${name} ${version} ${hashes?.[0]?.content}`);
  expect(listed.sort()).toEqual([...new Set(locked)].sort());
});
