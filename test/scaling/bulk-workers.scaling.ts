import { afterAll, beforeAll, expect, test } from 'vitest';
import { providePostgres, type TestPostgres } from '../support/postgres.js';
import { RealEnvironment } from '../support/real-environment.js';
import { secondsOf, type Job } from './job.js';

const MINUTE_MS = 60_000;

let environment: RealEnvironment;
let postgres: TestPostgres;
beforeAll(async () => {
  [environment, postgres] = await Promise.all([RealEnvironment.start(), providePostgres()]);
});
afterAll(async () => {
  await environment.close();
  await postgres.close();
});

/** One worker, and then two, each on a database of their own. @returns how many times as fast two are. */
async function compare(what: string, job: Job): Promise<number> {
  const withWorkers = async (workers: number) =>
    secondsOf(environment, `${job.batches}-by-${workers}-job`, job, {
      workers,
      storeUrl: await postgres.storeDatabase(),
    });
  const one = await withWorkers(1);
  const two = await withWorkers(2);
  const [rateOfOne, rateOfTwo] = [one, two].map((seconds) => (job.batches / seconds).toFixed(1));
  console.log(
    `${what}: one worker ${one.toFixed(1)} s (${rateOfOne} batches/s), ` +
      `two workers ${two.toFixed(1)} s (${rateOfTwo} batches/s), ${(one / two).toFixed(2)} times as fast`,
  );
  return one / two;
}

test(
  'two workers finish a job faster than one where calls that wait fill the slots of one',
  { timeout: 15 * MINUTE_MS },
  async () => {
    // A worker makes a hundred calls at a time.
    const job = { batches: 200, cardsABatch: 1, answerMs: 20_000 };
    expect(await compare('answers after 20 s, 200 batches', job)).toBeGreaterThan(1);
  },
);

test(
  'measures what two workers gain where everything is on one machine',
  { timeout: 15 * MINUTE_MS },
  async () => {
    await compare('answers at once, 100 batches of 250 cards', {
      batches: 100,
      cardsABatch: 250,
      answerMs: 0,
    });
  },
);
