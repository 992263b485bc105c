import { expect, test } from 'vitest';
import { runChaos, type ChaosSettings } from './chaos.js';

const MINUTE_MS = 60_000;
const COMMON = {
  workers: 2,
  eventsARun: 30,
  leastWorkerKills: 2,
  faultRate: 0.2,
  seed: Number(process.env['C2P_CHAOS_SEED'] ?? 20_261_124),
};

/** Sees batches through chaos of this size, and expects that nothing was lost, doubled or wrong. */
export function chaosTest(form: Omit<ChaosSettings, keyof typeof COMMON>): void {
  const settings: ChaosSettings = { ...COMMON, ...form };
  test(
    `${settings.batches} batches lose and double nothing while workers and server are killed and Mastercard fails`,
    { timeout: settings.giveUpAfterMs + 2 * MINUTE_MS },
    async () => {
      console.log(`C2P_CHAOS_SEED=${settings.seed}`);
      const figures = await runChaos(settings);
      console.log(JSON.stringify(figures, null, 2));

      expect(figures).toMatchObject({
        closed: figures.batches,
        lost: 0,
        doubled: 0,
        outcomesWrong: 0,
        sealedDataLeft: 0,
        serverKills: settings.serverKills,
        problems: {},
      });
      expect(figures.workerKills).toBeGreaterThanOrEqual(settings.leastWorkerKills);
      expect(Object.keys(figures.faults)).not.toEqual([]);
      expect(Object.keys(figures.events)).toEqual(expect.arrayContaining([...settings.happenings]));
      expect(figures.handOvers).toBeGreaterThan(0);
    },
  );
}
