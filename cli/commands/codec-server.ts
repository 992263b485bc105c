import { Command } from 'commander';
import { example } from '../help.js';
import { note } from '../output.js';
import { untilInterrupted } from '../signals.js';

export const codecServerCommand = new Command('codec-server')
  .description("run Temporal's codec server, by which its Web UI and CLI show what c2p encrypted")
  .addHelpText(
    'after',
    example(
      'c2p codec-server',
      '"codecServer" in the configuration sets the address it listens on and who may read. Each request writes',
      'one line of the audit log to standard error, at any C2P_LOG_LEVEL.',
    ),
  )
  .action(async () => {
    const { loadConfig } = await import('../../config/load.js');
    const { startCodecServer } = await import('../codec-server.js');
    const server = await startCodecServer(await loadConfig());
    note(`codec server ready on ${server.url}`);
    await untilInterrupted();
    await server.close();
  });
