import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { Command } from 'commander';
import { example } from '../help.js';
import { wholeNumber } from '../numbers.js';
import { note, print } from '../output.js';
import { progressPrinter } from '../progress.js';
import { untilInterrupted } from '../signals.js';

interface DevOptions {
  folder: string;
  port: number;
  uiPort: number;
  codecPort: number;
  simulatorPort: number;
}

export const devCommand = new Command('dev')
  .description('run Temporal, the Mastercard simulator and a worker on this machine, to play with')
  .option('--folder <folder>', 'keys, configuration, store, database and logs', '.c2p')
  .option('--port <port>', "Temporal's port", wholeNumber, 7233)
  .option('--ui-port <port>', "the Web UI's port", wholeNumber, 8233)
  .option('--codec-port <port>', "the codec server's port", wholeNumber, 8234)
  .option('--simulator-port <port>', "the simulator's port", wholeNumber, 7480)
  .addHelpText('after', example('c2p dev --folder .c2p'))
  .action(async ({ folder, port, uiPort, codecPort, simulatorPort }: DevOptions) => {
    const { startDevEnvironment } = await import('../../dev/dev-environment.js');
    const progress = await progressPrinter();
    const environment = await startDevEnvironment({
      folder,
      ports: { temporal: port, ui: uiPort, codecServer: codecPort, simulator: simulatorPort },
      onProgress: progress.line,
    }).finally(progress.stop);
    const { env, temporal, simulator } = environment;
    print(`Web UI     ${temporal.uiUrl ?? '(that of your own Temporal)'}`);
    if (temporal.codecUrl)
      print(
        `Codec      ${temporal.codecUrl} (for the Web UI, and temporal --namespace default --codec-endpoint)`,
      );
    print(`Simulator  ${simulator.baseUrl}, control at ${simulator.controlUrl}`);
    print('In another terminal:');
    print(`  export C2P_CONFIG=${env.C2P_CONFIG} TEMPORAL_ADDRESS=${env.TEMPORAL_ADDRESS}`);
    print(`  npx c2p enroll ${sampleFile()} --wait`);
    note('Ctrl-C stops everything.');
    await untilInterrupted();
    note('stopping …');
    await environment.stop();
  });

/** The sample that the package brings, from the folder that the user is in. */
function sampleFile(): string {
  const root = dirname(createRequire(import.meta.url).resolve('c2p/package.json'));
  return relative('.', join(root, 'examples/cards.jsonl'));
}
