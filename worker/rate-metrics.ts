import type { MetricMeter } from '@temporalio/common';
import type { WorkerDependencies } from './dependencies.js';

/** As often as the other metrics. */
const REFRESH_MS = 15_000;

/**
 * Tells the SDK's meter, now and every 15 s, at what rate each program may call Mastercard from this
 * process: what is configured or its part of that, less after a 429, and 0 while nothing is sent.
 * @returns what ends it.
 */
export function publishRateMetrics(
  meter: MetricMeter,
  { brakes }: Pick<WorkerDependencies, 'brakes'>,
): () => void {
  const description = 'How many calls a second the program may make now';
  const gauge = meter.createGauge('c2p_requests_per_second', 'float', undefined, description);
  const refresh = () => {
    for (const [program, brake] of brakes) gauge.set(brake.requestsPerSecond, { program });
  };
  refresh();
  const timer = setInterval(refresh, REFRESH_MS).unref();
  return () => clearInterval(timer);
}
