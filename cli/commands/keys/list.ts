import { Command } from 'commander';
import { loadConfig } from '../../../config/load.js';
import { keyProvider } from '../../../protection/choose-key-provider.js';
import { parseKeyRing, type KeyRingJson } from '../../../protection/key-ring-json.js';
import { blobsByKey } from '../../../retention/key-usage.js';
import { example } from '../../help.js';
import { withStore } from '../../keys/configured.js';
import { counted, note, print, printJson } from '../../output.js';

/** What `c2p keys list` shows of a key. */
export interface ListedKey {
  id: string;
  /** `missing`: not in the key ring, and blobs are sealed under it. */
  state: 'current' | 'opens' | 'retired' | 'missing';
  /** ISO 8601, UTC. */
  made?: string | undefined;
  /** Blobs of the store that are sealed under it. */
  blobs: number;
}

export const listCommand = new Command('list')
  .description('the keys: which one seals, how old they are, and how many blobs each still seals')
  .option('--json', 'print one JSON document')
  .addHelpText('after', example('c2p keys list', 'Keys themselves are never shown.'))
  .action(async (options: { json?: boolean }) => {
    const config = await loadConfig();
    const provider = keyProvider(config.dataKeys);
    const ring = parseKeyRing(await provider.read(), provider.source);
    const blobs = await withStore(config, blobsByKey);
    const keys = listedKeys(ring, blobs);
    if (options.json) return printJson(keys);
    const width = Math.max(...keys.map(({ id }) => id.length));
    for (const { id, state, made, blobs: count } of keys)
      print(`${id.padEnd(width)}  ${state.padEnd(7)}  ${(made ?? '').padEnd(24)}  ${counted(count, 'blob')}`);
    const foreign = blobs.get('') ?? 0;
    if (foreign > 0) note(`${counted(foreign, 'file')} of the store that no version of c2p sealed`);
  });

function listedKeys(ring: KeyRingJson, blobs: ReadonlyMap<string, number>): ListedKey[] {
  const stateOf = (id: string): ListedKey['state'] => {
    if (id === ring.current) return 'current';
    if (Object.hasOwn(ring.keys, id)) return 'opens';
    return Object.hasOwn(ring.retired ?? {}, id) ? 'retired' : 'missing';
  };
  const ids = new Set([...Object.keys({ ...ring.retired, ...ring.keys }), ...blobs.keys()]);
  ids.delete('');
  return [...ids].map((id) => ({
    id,
    state: stateOf(id),
    made: ring.made?.[id],
    blobs: blobs.get(id) ?? 0,
  }));
}
