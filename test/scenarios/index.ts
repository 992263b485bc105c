import { batchScenario } from './batch-way.js';
import { endingWays, handedOverWhenCancelled, handedOverWhileEnding } from './ending-ways.js';
import { jobScenarios } from './job-ways.js';
import { handedOverWhilePolling, pollingWays } from './polling-ways.js';
import type { Scenario } from './scenario.js';
import { handedOverWhileSubmitting, submissionWays } from './submission-ways.js';
import { sweepScenarios } from './sweep-ways.js';

/** Every way of a batch in skipped time. */
export const batchWays = [...submissionWays, ...pollingWays, ...endingWays];
const handedOver = [...handedOverWhileSubmitting, ...handedOverWhilePolling, ...handedOverWhileEnding];

/** Every way that a batch, a job and a sweep can go; each has its histories in `test/histories`. */
export const scenarios: readonly Scenario[] = [
  ...batchWays.map((way) => batchScenario(way)),
  ...handedOver.map((way) => batchScenario(way, { isHandedOver: true })),
  ...handedOverWhenCancelled.map((way) => batchScenario(way, { isHandedOver: true, inRealTime: true })),
  ...jobScenarios,
  ...sweepScenarios,
];
