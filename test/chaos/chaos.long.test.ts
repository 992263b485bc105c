import { chaosTest } from './chaos-test.js';

const MINUTE_MS = 60_000;

chaosTest({
  batches: 200,
  atOnce: 40,
  killEveryMs: 4_000,
  serverKills: 2,
  happenings: [
    'changed a policy',
    'polled',
    'named a batchId',
    'terminated',
    'took a terminated batch back',
    'swept a terminated batch',
    'enrolled cards under a new id',
    'had Temporal forget a terminated batch',
    'enrolled a terminated batch again',
  ],
  giveUpAfterMs: 20 * MINUTE_MS,
});
