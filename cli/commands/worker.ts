import { Command } from 'commander';
import { example } from '../help.js';
import { logLevel } from '../log-level.js';

export const workerCommand = new Command('worker')
  .description('run the worker: it carries batches to their end; SIGTERM stops it gracefully')
  .addHelpText(
    'after',
    example(
      'C2P_CONFIG=/etc/c2p/c2p.config.json TEMPORAL_ADDRESS=temporal:7233 c2p worker',
      'C2P_LOG_LEVEL (default info) says how much is logged; while the worker is ready, the file',
      'that C2P_READY_FILE names exists. TEMPORAL_WORKER_BUILD_ID is its version, where the configuration',
      'has versioning (default: the version of c2p).',
    ),
  )
  .action(async () => {
    const { loadConfig } = await import('../../config/load.js');
    const config = await loadConfig();
    const { createLogger } = await import('../../protection/logger.js');
    const { memoryExposures } = await import('../../protection/memory-exposures.js');
    const { tlsExposures } = await import('../../protection/tls-exposures.js');
    const { runWorker } = await import('../../worker/run-worker.js');
    const logger = createLogger({ name: 'c2p-worker', level: logLevel() });
    for (const exposure of [...memoryExposures(), ...tlsExposures()]) logger.warn(exposure);
    const worker = await runWorker({ config, logger, readyFile: process.env.C2P_READY_FILE });
    await worker.stopped;
  });
