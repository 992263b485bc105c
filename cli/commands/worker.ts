import { Command } from 'commander';
import { loadConfig } from '../../config/load.js';
import { createLogger } from '../../protection/logger.js';
import { runWorker } from '../../worker/run-worker.js';
import { logLevel } from '../log-level.js';

export const workerCommand = new Command('worker')
  .description('run the worker: it carries batches to their end; SIGTERM stops it gracefully')
  .action(async () => {
    const config = await loadConfig();
    const logger = createLogger({ name: 'c2p-worker', level: logLevel() });
    const worker = await runWorker({ config, logger, readyFile: process.env.C2P_READY_FILE });
    await worker.stopped;
  });
