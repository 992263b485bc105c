import { afterAll, beforeAll, test } from 'vitest';
import { median, medianRatio } from '../../bench/alternating.js';
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

type Turn = (name: string) => Promise<number>;

/** Both in turns, there and back; the first turn of each warms up and does not count. */
async function compare(what: string, one: Turn, other: Turn): Promise<void> {
  const rates: [number[], number[]] = [[], []];
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const which of round % 2 === 1 ? ([0, 1] as const) : ([1, 0] as const)) {
      const turn = which === 0 ? one : other;
      const rate = JOB.batches / (await turn(`${what.replaceAll(/\W+/g, '-')}-${round}-${which}`));
      if (round > 0) rates[which].push(rate);
    }
  }
  const [ones, others] = rates;
  console.log(
    `${what}: ${median(ones).toFixed(2)} and ${median(others).toFixed(2)} batches/s, ` +
      `ratio ${medianRatio(ones, others).toFixed(2)}`,
  );
}

test('what the store in PostgreSQL costs is told', { timeout: 15 * MINUTE_MS }, async () => {
  await compare(
    'store in PostgreSQL beside one on disk',
    async (name) => secondsOf(fair, name, JOB, { workers: 1, storeUrl: await postgres.storeDatabase() }),
    (name) => secondsOf(fair, name, JOB, { workers: 1 }),
  );
});

test('what fairness costs is told', { timeout: 15 * MINUTE_MS }, async () => {
  await compare(
    'server with fairness beside one without',
    (name) => secondsOf(fair, name, JOB, { workers: 1 }),
    (name) => secondsOf(unfair, name, JOB, { workers: 1 }),
  );
});
