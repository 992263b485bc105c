import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import envPaths from 'env-paths';
import lockfile from 'proper-lockfile';
import type { OnProgress } from './attempts.js';

/** Where c2p keeps programs that it installed: `C2P_CACHE_DIR`, or `c2p` in the user's cache folder. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env['C2P_CACHE_DIR'] ?? envPaths('c2p', { suffix: '' }).cache;
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Fills a folder exactly once, however many processes want it at the same time: one installs, the
 * others wait. The folder appears complete or not at all; what a crashed installation left is removed
 * by the next one, and its lock goes stale after half a minute.
 *
 * @param folder the folder to create
 * @param install fills the staging folder that it is given; rejects to give up
 */
export async function installOnce(
  folder: string,
  install: (staging: string) => Promise<void>,
  onProgress: OnProgress,
): Promise<string> {
  if (await exists(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const release = await lock(folder, onProgress);
  try {
    if (await exists(folder)) return folder;
    await removeLeftovers(folder);
    const staging = `${folder}.partial-${process.pid}`;
    await mkdir(staging);
    try {
      await install(staging);
      await rename(staging, folder);
    } catch (error) {
      await rm(staging, { recursive: true, force: true });
      throw error;
    }
    return folder;
  } finally {
    await release();
  }
}

async function lock(folder: string, onProgress: OnProgress): Promise<() => Promise<void>> {
  const options = {
    realpath: false,
    stale: 30_000,
    // A machine that slept loses the lock; staging folders are per process, so the worst is work done twice.
    onCompromised: () => undefined,
  };
  const unlock = await lockfile.lock(folder, options).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ELOCKED')) throw error;
    onProgress(`another process is installing ${basename(folder)}; waiting for it …`);
    // As long as the holder lives it renews its lock; ten minutes is more than any installation takes.
    return lockfile.lock(folder, {
      ...options,
      retries: { retries: 1200, factor: 1, minTimeout: 500, maxTimeout: 500 },
    });
  });
  return () => unlock().catch(() => undefined);
}

async function removeLeftovers(folder: string): Promise<void> {
  const prefix = `${basename(folder)}.partial-`;
  for (const name of await readdir(dirname(folder))) {
    if (name.startsWith(prefix)) await rm(join(dirname(folder), name), { recursive: true, force: true });
  }
}
