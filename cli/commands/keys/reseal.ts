import { Command } from 'commander';
import ora from 'ora';
import { loadConfig } from '../../../config/load.js';
import { resealStore } from '../../../store/reseal.js';
import { ExitCode } from '../../exit-codes.js';
import { example } from '../../help.js';
import { withStore } from '../../keys/configured.js';
import { note, printJson } from '../../output.js';
import { terminal } from '../../terminal.js';

export const resealCommand = new Command('reseal')
  .description('seal everything in the store anew that is not sealed under the current key')
  .option('--json', 'print one JSON document')
  .addHelpText(
    'after',
    example(
      'c2p keys reseal',
      'Workers and clients may go on meanwhile; it may be interrupted and begun again. The sweep does the same',
      'every hour.',
    ),
  )
  .action(async (options: { json?: boolean }) => {
    const config = await loadConfig();
    const progress = ora({ isEnabled: terminal().stderr.isTTY, isSilent: !terminal().stderr.isTTY }).start();
    try {
      const result = await withStore(config, (store) =>
        resealStore(store, {
          onBatch: ({ blobs, resealed }) => (progress.text = `blobs: ${blobs}, sealed anew: ${resealed}`),
          onUnreadable: (_, { message }) => note(message),
        }),
      );
      if (result.unreadable > 0) terminal().exitCode = ExitCode.unexpected;
      if (options.json) return printJson(result);
      note(`blobs: ${result.blobs}, sealed anew: ${result.resealed}, unreadable: ${result.unreadable}`);
    } finally {
      progress.stop();
    }
  });
