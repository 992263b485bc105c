import { afterAll, beforeAll, expect, test } from 'vitest';
import { TRIGGERS } from '../../simulator/index.js';
import { PROGRAM, RealEnvironment } from '../support/real-environment.js';
import { testRecord } from '../support/records.js';

const RATE = 20;
const WORKERS = 3;
const BATCHES = 3;

let environment: RealEnvironment;
beforeAll(async () => {
  environment = await RealEnvironment.shared();
});
afterAll(() => environment.close());

/** Twenty consumers with five cards each, and one whose card is declined for good: so the others are rolled back. */
function recordsOf(batch: number) {
  const enrolled = Array.from({ length: 20 }, (_, n) => testRecord(batch * 100 + n, 5));
  const declined = testRecord(batch * 100 + 20);
  declined.cards[0]!.primaryAccountNumber = TRIGGERS.cards.PAN_INELIGIBLE.pan;
  return [...enrolled, declined];
}

test(
  `${WORKERS} workers that roll back 300 cards keep the rate of ${RATE} a second together`,
  { timeout: 120_000 },
  async () => {
    const site = await environment.site('rollback-rate', { requestsPerSecond: RATE });
    await Promise.all(Array.from({ length: WORKERS }, () => site.startWorker()));
    const batches = await Promise.all(
      Array.from({ length: BATCHES }, (_, n) =>
        site.client.enroll({
          externalBatchId: `rollback-${n + 1}`,
          program: PROGRAM,
          records: recordsOf(n + 1),
          policy: { onPartialFailure: 'rollback', polling: { initial: '1s' } },
        }),
      ),
    );
    for (const batch of batches)
      expect(await batch.result()).toMatchObject({ status: 'ROLLED_BACK', counts: { rolledBack: 100 } });

    const log = site.simulator.requests().map(({ operation, at }) => ({ operation, at: Date.parse(at) }));
    const removals = log.filter(({ operation }) => operation === 'deleteCard');
    expect(removals).toHaveLength(300);
    const [first, last] = [removals[0]!.at, removals.at(-1)!.at];
    const callsFrom = (from: number) => log.filter(({ at }) => at >= from && at < from + 1_000).length;
    const busiest = Math.max(...log.map(({ at }) => callsFrom(at)));
    console.log(JSON.stringify({ ms: last - first, firstSecond: callsFrom(first), busiest }));

    expect(busiest).toBeLessThanOrEqual(RATE * 1.1 + WORKERS);
    expect(last - first).toBeGreaterThanOrEqual(((300 - 2 * RATE) / RATE) * 1_000);
  },
);
