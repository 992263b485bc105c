import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type MavenParser from 'mvn-artifact-name-parser';
import type MavenUrl from 'mvn-artifact-url';
import { EnvHttpProxyAgent, fetch } from 'undici';

// Only `require` reaches the `default` of these CommonJS packages in one way under every loader.
const require = createRequire(import.meta.url);
const parseCoordinates = (require('mvn-artifact-name-parser') as typeof MavenParser).default;
const jarUrl = (require('mvn-artifact-url') as typeof MavenUrl).default;

const DOWNLOADS_AT_ONCE = 6;
const DOWNLOAD_WITHIN_MS = 300_000;

/** A jar of a Maven repository, pinned to its content. */
export interface PinnedJar {
  /** `group:artifact:version` */
  coordinates: string;
  /** Hexadecimal. */
  sha256: string;
}

/** Name of a jar's file; with its group, because two groups may have an artifact of the same name. */
export function jarFileName(coordinates: string): string {
  return `${coordinates.replaceAll(':', '-')}.jar`;
}

/**
 * Downloads jars, a few at a time, without Maven, and checks each against its SHA-256.
 *
 * @param repository base address with a trailing slash; default: Maven's central repository
 * @param onJar told after each jar how many are there
 * @throws Error naming the jar that could not be fetched or is not the pinned one; the folder is then unfinished
 */
export async function downloadJars(
  jars: readonly PinnedJar[],
  folder: string,
  onJar: (count: number) => void,
  repository?: string,
): Promise<void> {
  const dispatcher = new EnvHttpProxyAgent({ connections: DOWNLOADS_AT_ONCE });
  let count = 0;
  try {
    await Promise.all(
      jars.map(async ({ coordinates, sha256 }) => {
        try {
          const url = await jarUrl(parseCoordinates(coordinates), repository);
          const signal = AbortSignal.timeout(DOWNLOAD_WITHIN_MS);
          const response = await fetch(url, { dispatcher, signal });
          if (!response.ok) throw new Error(`HTTP status ${response.status}`);
          const jar = Buffer.from(await response.arrayBuffer());
          const digest = createHash('sha256').update(jar).digest('hex');
          if (digest !== sha256) throw new Error(`its SHA-256 is ${digest}, not the pinned ${sha256}`);
          await writeFile(join(folder, jarFileName(coordinates)), jar);
          onJar((count += 1));
        } catch (error) {
          throw new Error(coordinates, { cause: error });
        }
      }),
    );
  } finally {
    await dispatcher.destroy();
  }
}
