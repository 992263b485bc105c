import { Command } from 'commander';
import { loadConfig } from '../../../config/load.js';
import { withoutKey } from '../../../protection/key-ring-changes.js';
import { keyProvider } from '../../../protection/choose-key-provider.js';
import { KeyRingError, parseKeyRing, type KeyRingJson } from '../../../protection/key-ring-json.js';
import { RETIREMENT_WAIT_MS } from '../../../protection/live-key-ring.js';
import { isUnused, KeyNeededError } from '../../../retention/key-usage.js';
import { example } from '../../help.js';
import { changeRingFile } from '../../keys/ring-file.js';
import { note } from '../../output.js';
import { withClient } from '../../with-client.js';
import { unknownKey } from './rotate.js';

export const retireCommand = new Command('retire')
  .description('take a key out of the key ring that nothing needs any more; refused while something does')
  .argument('<id>', 'of the key')
  .addHelpText(
    'after',
    example(
      'c2p keys retire k1-5f3a9c1e07',
      'What was sealed under it never opens again, in no backup and in no history of Temporal. Refused while a',
      'blob of the store, an open workflow or a schedule needs it, and for a quarter of an hour after another',
      'key became the current one. Where a command has the key ring, it only says whether anything needs the key.',
    ),
  )
  .action(async (keyId: string) => {
    const { dataKeys } = await loadConfig();
    const provider = keyProvider(dataKeys);
    const ring = parseKeyRing(await provider.read(), provider.source);
    requireOutOfUse(ring, keyId, provider.source);
    const usage = await withClient((client) => client.keyUsage(keyId));
    if (!isUnused(usage)) throw new KeyNeededError(keyId, usage);
    if (!('path' in dataKeys)) {
      note(
        `nothing needs ${keyId} any more; c2p only reads the key ring: take it out where the command has it from`,
      );
      return;
    }
    await changeRingFile(dataKeys.path, (now) => {
      // As it is by now: another command may have made it current again.
      requireOutOfUse(now, keyId, provider.source);
      return withoutKey(now, keyId);
    });
    note(`${keyId} is retired: what was sealed under it never opens again`);
  });

/** Whether nobody writes under the key any more, so that what needs it can be counted. */
function requireOutOfUse(ring: KeyRingJson, keyId: string, source: string): void {
  if (!Object.hasOwn(ring.keys, keyId)) throw unknownKey(source, ring.keys);
  if (ring.current === keyId)
    throw new KeyRingError(
      source,
      `key '${keyId}' is the current one; c2p keys rotate makes another one current`,
    );
  const since = Date.parse(ring.currentSince ?? '');
  const until = new Date(since + RETIREMENT_WAIT_MS);
  if (until.getTime() > Date.now()) {
    const why = `a process may still seal under it; try again after ${until.toISOString()}`;
    throw new KeyRingError(source, `key '${keyId}' was the current one minutes ago, and ${why}`);
  }
}
