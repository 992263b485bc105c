import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cacheFolder, installOnce } from '../../dev/cache.js';
import { temporaryFolder } from './machine.js';

const silent = () => undefined;

describe('the cache folder', () => {
  it('is where C2P_CACHE_DIR says', () => {
    expect(cacheFolder({ C2P_CACHE_DIR: '/somewhere' })).toBe('/somewhere');
  });

  it('is named c2p in the user’s cache otherwise', () => {
    expect(cacheFolder({})).toMatch(/c2p/);
  });
});

describe('installing once', () => {
  it('installs a single time when many want it at once, and all see the whole result', async () => {
    const target = join(await temporaryFolder(), 'deep', 'program');
    const lines: string[] = [];
    let installs = 0;
    const folders = await Promise.all(
      Array.from({ length: 5 }, () =>
        installOnce(
          target,
          async (staging) => {
            installs += 1;
            await writeFile(join(staging, 'one'), '1');
            await writeFile(join(staging, 'two'), '2');
          },
          (line) => lines.push(line),
        ),
      ),
    );
    expect(installs).toBe(1);
    expect(new Set(folders)).toEqual(new Set([target]));
    expect((await readdir(target)).sort()).toEqual(['one', 'two']);
    expect(lines).toContain('another process is installing program; waiting for it …');
  });

  it('leaves nothing behind when the installation fails, and installs the next time', async () => {
    const folder = await temporaryFolder();
    const target = join(folder, 'program');
    const failing = installOnce(
      target,
      async (staging) => {
        await writeFile(join(staging, 'half'), '');
        throw new Error('no network');
      },
      silent,
    );
    await expect(failing).rejects.toThrow('no network');
    expect(await readdir(folder)).toEqual([]);

    await installOnce(target, (staging) => writeFile(join(staging, 'whole'), 'yes'), silent);
    expect(await readFile(join(target, 'whole'), 'utf8')).toBe('yes');
  });

  it('takes over from an installer that crashed, and removes what it left', async () => {
    const folder = await temporaryFolder();
    const target = join(folder, 'program');
    await mkdir(join(folder, 'program.partial-99999'));
    await writeFile(join(folder, 'program.partial-99999', 'half'), '');
    await mkdir(`${target}.lock`);
    const longAgo = new Date(Date.now() - 3_600_000);
    await utimes(`${target}.lock`, longAgo, longAgo);

    await installOnce(target, (staging) => writeFile(join(staging, 'whole'), 'yes'), silent);
    expect(await readdir(folder)).toEqual(['program']);
    expect(await readdir(target)).toEqual(['whole']);
  });
});
