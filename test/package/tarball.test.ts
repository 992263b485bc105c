import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { CHECKOUT, pack } from './stranger.js';

let published: readonly string[];
beforeAll(async () => {
  ({ files: published } = await pack('--dry-run'));
});

const read = (path: string) => readFile(join(CHECKOUT, path), 'utf8');

describe('what is published', () => {
  test('is the built code, the docs, the examples and the license', () => {
    const elsewhere = published.filter((path) => !path.startsWith('dist/'));
    expect(elsewhere.filter((path) => !/^(?:examples|docs)\//.test(path)).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'package.json',
    ]);
    expect(elsewhere).toEqual(
      expect.arrayContaining(['docs/configuration.md', 'examples/cards.jsonl', 'examples/enroll.mjs']),
    );
    expect(published).toContain('dist/workflow-bundle.js');
  });

  test('holds no test, no benchmark, no key, no database and no log', () => {
    // The code of the commands that handle keys is in folders of that name.
    const unwanted =
      /(?<!^dist\/cli(?:\/commands)?)\/(test|bench|keys|data)\/|\.test\.|\.(pem|p12|db|log|tsbuildinfo|sealed)$/;
    expect(published.filter((path) => unwanted.test(path))).toEqual([]);
  });

  test('imports only what the package depends on', async () => {
    const { dependencies } = JSON.parse(await read('package.json')) as { dependencies: object };
    const imported = new Set<string>();
    for (const path of published.filter((path) => /^dist\/.+\/.+\.js$/.test(path))) {
      for (const [, name] of (await read(path)).matchAll(
        /(?:^(?:import|export) (?:[^'\n]*? from )?|import\()'((?:@[^/']+\/)?[^./'][^/']*)/gm,
      ))
        imported.add(name!);
    }
    const foreign = [...imported].filter((name) => !name.startsWith('node:') && !(name in dependencies));
    expect(imported.size).toBeGreaterThan(20);
    expect(foreign).toEqual([]);
  });

  test('has source maps that carry their sources', async () => {
    const maps = published.filter((path) => path.endsWith('.map'));
    expect(maps).toContain('dist/client/index.js.map');
    for (const path of maps) {
      const { sources, sourcesContent } = JSON.parse(await read(path)) as Record<string, string[]>;
      expect(sourcesContent, path).toHaveLength(sources!.length);
    }
  });
});
