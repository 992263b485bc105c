import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { SimulatorSettings } from '../../simulator/index.js';
import { example } from '../help.js';
import { logLevel } from '../log-level.js';
import { wholeNumber } from '../numbers.js';
import { note } from '../output.js';
import { untilInterrupted } from '../signals.js';

interface SimulatorCommandOptions {
  keys: string;
  host: string;
  port: number;
  processing: number;
  duplicates: SimulatorSettings['duplicates'];
  deviate?: string;
}

export const simulatorCommand = new Command('simulator')
  .description('run a local Mastercard that knows the programs of the configuration')
  .option('--keys <folder>', "the simulator's keys and the issuer's that fit them; made if missing", 'keys')
  .option('--host <address>', 'the address to listen on', '127.0.0.1')
  .option('--port <port>', 'the port to listen on', wholeNumber, 7480)
  .option('--processing <ms>', 'how long a batch takes, in milliseconds', wholeNumber, 3_000)
  .addOption(
    new Option(
      '--duplicates <behaviour>',
      'whether the answer to a repeated externalBatchId contains the batchId',
    )
      .choices(['withBatchId', 'withoutBatchId'])
      .default('withBatchId'),
  )
  .option('--deviate <assumption>', 'deviate from the assumption that has this name in c2p conformance')
  .addHelpText(
    'after',
    example('c2p simulator --port 7480', 'A program reaches it with "baseUrl": the address that it prints.'),
  )
  .action(async ({ keys, host, port, processing, duplicates, deviate }: SimulatorCommandOptions) => {
    const { loadConfig } = await import('../../config/load.js');
    const { createLogger } = await import('../../protection/logger.js');
    const { createSimulator, deviating, DEVIATIONS, generateSandboxKeys } =
      await import('../../simulator/index.js');
    if (deviate !== undefined && !Object.hasOwn(DEVIATIONS, deviate))
      throw new InvalidArgumentError(`--deviate is one of ${Object.keys(DEVIATIONS).join(', ')}.`);
    const { programs } = await loadConfig();
    const { signingPublicKey, decryptionKey } = await generateSandboxKeys(keys);
    const pair = {
      signingPublicKey: await readFile(signingPublicKey, 'utf8'),
      decryptionPrivateKey: await readFile(decryptionKey, 'utf8'),
    };
    const simulator = await createSimulator({
      host,
      port,
      processingMs: processing,
      duplicates,
      ...(deviate === undefined ? {} : deviating(deviate as keyof typeof DEVIATIONS)),
      credentials: Object.values(programs).map(({ srcClientId, serviceId, consumerKey }) => ({
        srcClientId,
        serviceId,
        consumerKey,
        ...pair,
      })),
      logger: createLogger({ name: 'c2p-simulator', level: logLevel() }),
    });
    note(`simulator ready on ${simulator.baseUrl}, keys in ${join(keys)}`);
    await untilInterrupted();
    await simulator.close();
  });
