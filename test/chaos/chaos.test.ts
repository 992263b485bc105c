import { chaosTest } from './chaos-test.js';

const MINUTE_MS = 60_000;

chaosTest({
  batches: 6,
  atOnce: 4,
  killEveryMs: 8_000,
  serverKills: 1,
  happenings: ['terminated'],
  giveUpAfterMs: 5 * MINUTE_MS,
});
