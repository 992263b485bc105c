import { DefaultLogger, makeTelemetryFilterString, Runtime, type LogEntry } from '@temporalio/worker';
import type { Logger } from 'pino';

const PINO_LEVEL = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** Sends the SDK's own log through ours, masked like the rest. Only the first call in a process counts. */
export function installRuntime(logger: Logger): void {
  if (Runtime._instance) return;
  Runtime.install({
    shutdownSignals: ['SIGTERM', 'SIGINT'],
    // At INFO whatever our level is: its traces hold payloads, which are readable where the codec is off.
    logger: new DefaultLogger('INFO', ({ level, message, meta }: LogEntry) => {
      const { error: err, ...temporal } = meta ?? {};
      logger[PINO_LEVEL[level]]({ temporal, err }, message);
    }),
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
    },
  });
}
