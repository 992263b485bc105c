import { isIPv6 } from 'node:net';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  type LogEntry,
  type MetricsExporterConfig,
  type RuntimeOptions,
} from '@temporalio/worker';
import type { Logger } from 'pino';
import type { C2pConfig, MetricsConfig } from '../config/config.js';
import { ConfigError } from '../config/errors.js';

const PINO_LEVEL = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/**
 * Sends the SDK's own log through ours, masked like the rest, and serves metrics where the configuration says
 * so: those of the SDK, and what its meter counts. Only the first call in a process counts.
 * @throws ConfigError where they cannot be served.
 */
export function installRuntime(logger: Logger, config?: Pick<C2pConfig, 'path' | 'metrics'>): void {
  if (Runtime._instance) return;
  try {
    Runtime.install(runtimeOptions(logger, config?.metrics));
  } catch (error) {
    if (!config?.metrics) throw error;
    throw new ConfigError(config.path, [{ path: 'metrics', message: (error as Error).message }]);
  }
}

function runtimeOptions(logger: Logger, metrics: MetricsConfig | undefined): RuntimeOptions {
  return {
    shutdownSignals: ['SIGTERM', 'SIGINT'],
    // At INFO whatever our level is: its traces hold payloads, which are readable where the codec is off.
    logger: new DefaultLogger('INFO', ({ level, message, meta }: LogEntry) => {
      const { error: err, ...temporal } = meta ?? {};
      logger[PINO_LEVEL[level]]({ temporal, err }, message);
    }),
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
      ...(metrics && { metrics: prometheusAt(metrics) }),
    },
  };
}

/** With names as Prometheus wants them: units and `_total` at the end, durations in seconds. */
function prometheusAt({ host, port }: MetricsConfig): MetricsExporterConfig {
  const address = isIPv6(host) ? `[${host}]` : host;
  const names = { countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true };
  return { prometheus: { bindAddress: `${address}:${port}`, ...names } };
}
