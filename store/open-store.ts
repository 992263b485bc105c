import type { KeyRingSource } from '../protection/key-ring.js';
import { FilesystemStore } from './filesystem-store.js';
import type { OpenStore } from './store.js';

/** Where the store is: `store` of the configuration. */
export type StorePlace = { kind: 'filesystem'; path: string } | { kind: 'postgres'; urlEnv: string };

/**
 * The store of the configuration. Nothing is written, and nothing connected to, before it is used.
 * @throws StoreUrlError for a postgres store
 */
export async function openStore(
  place: StorePlace,
  keyRing: KeyRingSource,
  env: NodeJS.ProcessEnv = process.env,
): Promise<OpenStore> {
  if (place.kind === 'filesystem') return new FilesystemStore({ root: place.path, keyRing });
  // The driver is loaded only where there is something to drive.
  const [{ PostgresStore }, { postgresPlace }] = await Promise.all([
    import('./postgres-store.js'),
    import('./postgres-connection.js'),
  ]);
  return new PostgresStore({ place: postgresPlace(place.urlEnv, env), keyRing });
}
