import { loadConfig } from '../../config/load.js';
import type { C2pConfig } from '../../config/config.js';
import { KeyRingError } from '../../protection/key-ring-json.js';
import { openKeyRing } from '../../protection/live-key-ring.js';
import { openStore } from '../../store/open-store.js';
import type { BatchStore } from '../../store/store.js';

/**
 * The path of the configured key ring, for a command that changes it.
 * @throws ConfigError; KeyRingError where a program has the key ring, which alone can change it.
 */
export async function ringPath(): Promise<string> {
  const { dataKeys } = await loadConfig();
  if ('path' in dataKeys) return dataKeys.path;
  throw new KeyRingError(
    `of the command ${dataKeys.command[0]}`,
    'c2p only reads it; change it where the command has it from (docs/operations.md, "Keys", says in which order)',
  );
}

/** Works with the configured store, without Temporal. @throws KeyRingError, StoreUrlError, and what `work` throws. */
export async function withStore<T>(config: C2pConfig, work: (store: BatchStore) => Promise<T>): Promise<T> {
  const store = await openStore(config.store, await openKeyRing(config.dataKeys));
  return work(store).finally(() => store.close());
}
