import { chaosTest } from './chaos-test.js';

const MINUTE_MS = 60_000;

chaosTest({ batches: 200, atOnce: 40, killEveryMs: 4_000, serverKills: 2, giveUpAfterMs: 20 * MINUTE_MS });
