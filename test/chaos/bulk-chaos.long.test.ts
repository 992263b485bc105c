import { describe, expect, test } from 'vitest';
import { NEEDED, runBulkChaos, type BulkChaosSettings } from './bulk-chaos.js';

const MINUTE_MS = 60_000;

const given = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise);

const jobs = given('C2P_CHAOS_JOBS', 5);
const firstSeed = given('C2P_CHAOS_SEED', 20_261_124);
const settings: Omit<BulkChaosSettings, 'seed'> = {
  cards: given('C2P_CHAOS_CARDS', 20_000),
  maxCardsPerBatch: 250,
  maxBatchesInFlight: 20,
  eventsARun: 100,
  workers: 2,
  longestPauseMs: 10_000,
  faultRate: 0.2,
  giveUpAfterMs: 20 * MINUTE_MS,
};

describe(
  `a portfolio of ${settings.cards} cards`,
  { timeout: settings.giveUpAfterMs + 2 * MINUTE_MS },
  () => {
    const seeds = Array.from({ length: jobs }, (_, n) => firstSeed + n);
    test.each(seeds)(
      'has every card once in its report, as Mastercard recorded it, while everything is killed (seed %i)',
      async (seed) => {
        const figures = await runBulkChaos({ ...settings, seed });
        console.log(`C2P_CHAOS_SEED=${seed}`, JSON.stringify(figures));

        expect(figures).toMatchObject({
          status: 'COMPLETED_WITH_ERRORS',
          closed: figures.batches,
          cards: settings.cards,
          lost: 0,
          doubled: 0,
          outcomesWrong: 0,
          rejectsWrong: 0,
          countsRight: true,
          sealedDataLeft: 0,
          ownDeaths: [],
        });
        for (const what of ['worker', 'server', 'database'] as const)
          expect(figures.kills[what], what).toBeGreaterThan(0);
        expect(Object.keys(figures.events)).toEqual(expect.arrayContaining([...NEEDED]));
        expect(figures.runs).toBeGreaterThan(1);
        expect(Object.keys(figures.faults)).not.toEqual([]);
      },
    );
  },
);
