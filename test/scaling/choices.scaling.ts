import { afterAll, beforeAll, test } from 'vitest';
import { measureThereAndBack, median, medianRatio } from '../../bench/alternating.js';
import { providePostgres, type TestPostgres } from '../support/postgres.js';
import { RealEnvironment } from '../support/real-environment.js';
import { secondsOf } from './job.js';

const MINUTE_MS = 60_000;
const ROUNDS = 3;
const JOB = { batches: 100, cardsABatch: 250, answerMs: 0 };

let fair: RealEnvironment;
let unfair: RealEnvironment;
let postgres: TestPostgres;
beforeAll(async () => {
  [fair, unfair, postgres] = await Promise.all([
    RealEnvironment.start(),
    RealEnvironment.start({ 'matching.enableFairness': 'false' }),
    providePostgres(),
  ]);
});
afterAll(async () => {
  await fair.close();
  await unfair.close();
  await postgres.close();
});

/** How long a job takes at a site of that name (s). */
type Turn = (name: string) => Promise<number>;

async function compare(what: string, one: Turn, other: Turn): Promise<void> {
  const rateOf = (turn: Turn, which: string) => async (round: number) =>
    JOB.batches / (await turn(`${what.replaceAll(/\W+/g, '-')}-${round}-${which}`));
  const rates = await measureThereAndBack({ one: rateOf(one, 'one'), other: rateOf(other, 'other') }, ROUNDS);
  console.log(
    `${what}: ${median(rates.one).toFixed(2)} and ${median(rates.other).toFixed(2)} batches/s, ` +
      `ratio ${medianRatio(rates.one, rates.other).toFixed(2)}`,
  );
}

test('measures what the store in PostgreSQL costs', { timeout: 15 * MINUTE_MS }, async () => {
  await compare(
    'store in PostgreSQL beside one on disk',
    async (name) => secondsOf(fair, name, JOB, { workers: 1, storeUrl: await postgres.storeDatabase() }),
    (name) => secondsOf(fair, name, JOB, { workers: 1 }),
  );
});

test('measures what fairness costs', { timeout: 15 * MINUTE_MS }, async () => {
  await compare(
    'server with fairness beside one without',
    (name) => secondsOf(fair, name, JOB, { workers: 1 }),
    (name) => secondsOf(unfair, name, JOB, { workers: 1 }),
  );
});
