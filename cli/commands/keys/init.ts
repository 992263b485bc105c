import { Command } from 'commander';
import { KeyRing } from '../../../protection/key-ring.js';
import { example } from '../../help.js';
import { makeRingFile } from '../../keys/ring-file.js';
import { ringPath } from '../../keys/configured.js';
import { note } from '../../output.js';

export const initCommand = new Command('init')
  .description('make the key ring that the configuration names, with one key; never overwrites one')
  .addHelpText('after', example('c2p keys init'))
  .action(async () => {
    const path = await ringPath();
    const ring = KeyRing.generate();
    await makeRingFile(path, ring);
    note(
      `made ${path} (mode 0600) with the key ${ring.current}: without it, nothing in the store can be read; keep a copy`,
    );
  });
