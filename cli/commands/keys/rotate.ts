import { Command } from 'commander';
import { withCurrent, withNewKey } from '../../../protection/key-ring-changes.js';
import { KeyRingError } from '../../../protection/key-ring-json.js';
import { example } from '../../help.js';
import { changeRingFile } from '../../keys/ring-file.js';
import { ringPath } from '../../keys/configured.js';
import { note } from '../../output.js';

export const rotateCommand = new Command('rotate')
  .description(
    'add a new key and seal with it from now on: `add` and `use` in one, for one key ring that all share',
  )
  .addHelpText(
    'after',
    example(
      'c2p keys rotate',
      'Running workers and clients notice by themselves. Old keys go on opening what they sealed.',
      'Where machines have copies of the key ring, use add, distribute the file, and only then use.',
    ),
  )
  .action(async () => {
    const now = new Date();
    let before = '';
    const { current } = await changeRingFile(await ringPath(), (ring) => {
      before = ring.current;
      const added = withNewKey(ring, now);
      return withCurrent(added.ring, added.keyId, now);
    });
    note(`${current} is the current key now; ${before} goes on opening what it sealed`);
  });

export const addCommand = new Command('add')
  .description('add a new key that does not seal anything yet, to be distributed first')
  .addHelpText(
    'after',
    example('c2p keys add', 'Distribute the key ring to every machine, then: c2p keys use ID'),
  )
  .action(async () => {
    let keyId = '';
    await changeRingFile(await ringPath(), (ring) => {
      const added = withNewKey(ring, new Date());
      keyId = added.keyId;
      return added.ring;
    });
    note(`added ${keyId}; once every machine has it: c2p keys use ${keyId}`);
  });

export const useCommand = new Command('use')
  .description('seal with a key of the key ring from now on')
  .argument('<id>', 'of the key')
  .addHelpText('after', example('c2p keys use k2-c40d27b1f6'))
  .action(async (keyId: string) => {
    const path = await ringPath();
    await changeRingFile(path, (ring) => {
      if (!Object.hasOwn(ring.keys, keyId)) throw unknownKey(path, ring.keys);
      return ring.current === keyId ? ring : withCurrent(ring, keyId, new Date());
    });
    note(`${keyId} is the current key now`);
  });

/** Does not repeat what was asked for: a key may be in the place of its id. */
export function unknownKey(path: string, keys: Readonly<Record<string, string>>): KeyRingError {
  return new KeyRingError(path, `has no key of that id; it has ${Object.keys(keys).join(', ')}`);
}
