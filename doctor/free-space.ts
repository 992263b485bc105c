import { statfs } from 'node:fs/promises';
import { findings, type Finding } from './finding.js';

/** Some eight thousand batches of 250 cards: an open one has about 130 KB. */
const ENOUGH_SPACE_BYTES = 1024 ** 3;

/** How much room the store's disk has for this user. */
export async function checkFreeSpace(path: string, enough = ENOUGH_SPACE_BYTES): Promise<Finding> {
  const { ok, warning, skipped } = findings('free-space');
  try {
    const { bavail, bsize } = await statfs(path);
    const free = `${((bavail * bsize) / 1024 ** 3).toFixed(1)} GiB at ${path}`;
    if (bavail * bsize >= enough) return ok(free);
    return warning(`only ${free}`, 'make room: on a full disk all batches stand still');
  } catch (error) {
    return skipped(
      `cannot be asked of ${path} (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
    );
  }
}
