import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Brake, type BrakeOptions } from '../../mastercard/brake.js';

// Time passes at once: whenever nothing else is to be done, the next timer is due.
beforeEach(() => void vi.useFakeTimers().setTimerTickMode('nextTimerAsync'));
afterEach(() => void vi.useRealTimers());

const FOR_EVER = Infinity;
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** When each of so many turns came that are asked for at once. */
async function turns(brake: Brake, count: number): Promise<number[]> {
  const starts: number[] = [];
  const one = async () => {
    await brake.turn(FOR_EVER);
    starts.push(performance.now());
  };
  await Promise.all(Array.from({ length: count }, one));
  return starts;
}

function gaps(times: number[]): number[] {
  return times.slice(1).map((time, n) => Math.round(time - times[n]!));
}

/** A brake that Mastercard had slow down just now. */
function slowedBrake(retryAfterMs?: number, options: Partial<BrakeOptions> = {}): Brake {
  const brake = new Brake({ requestsPerSecond: 10, ...options });
  brake.throttled(performance.now(), retryAfterMs);
  return brake;
}

describe('turns', () => {
  test.each([1, 3, 10])('come at most %i times in any second', async (requestsPerSecond) => {
    const starts = await turns(new Brake({ requestsPerSecond }), 40);
    expect(starts).toHaveLength(40);
    for (const [n, start] of starts.entries()) {
      const next = starts[n + requestsPerSecond];
      // Less the millisecond by which a timer may have made the first of them late.
      if (next !== undefined) expect(next - start).toBeGreaterThanOrEqual(999);
    }
  });

  test('come in the order in which they were asked for, and the first at once', async () => {
    const brake = new Brake({ requestsPerSecond: 10 });
    const order: number[] = [];
    const before = performance.now();
    await Promise.all([1, 2, 3].map((n) => brake.turn(FOR_EVER).then(() => order.push(n))));
    expect(order).toEqual([1, 2, 3]);
    expect(gaps([before, performance.now()])).toEqual([200]);
  });

  test('that would come too late are not waited for, and get different times to come back', async () => {
    const brake = new Brake({ requestsPerSecond: 1 });
    const before = performance.now();
    const waits = await Promise.all(Array.from({ length: 6 }, () => brake.turn(2_000)));
    expect(waits).toEqual([0, 0, 0, 3_000, 4_000, 5_000]);
    expect(gaps([before, performance.now()])).toEqual([2_000]);
  });

  test('end with the signal of who waits, and not with another one', async () => {
    const brake = slowedBrake(60_000);
    const given = new AbortController();
    const [gaveUp, waits] = [brake.turn(FOR_EVER, given.signal), brake.turn(FOR_EVER)];
    setTimeout(() => given.abort(), 1_000);
    await expect(gaveUp).rejects.toMatchObject({ name: 'AbortError' });
    expect(await waits).toBe(0);
    await expect(brake.turn(FOR_EVER, given.signal)).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('a rate that several workers share', () => {
  test.each([2, 3, 10])('holds across %i of them, but for a tenth and a call each', async (workers) => {
    const requestsPerSecond = 20;
    const startsOf = Array.from({ length: workers }, () => {
      const brake = new Brake({ requestsPerSecond });
      brake.shareAmong(workers);
      return turns(brake, 60);
    });
    const starts = (await Promise.all(startsOf)).flat().sort((one, other) => one - other);
    for (const start of starts) {
      const inSecond = starts.filter((at) => at >= start && at < start + 1_000).length;
      expect(inSecond).toBeLessThanOrEqual(requestsPerSecond * 1.1 + workers);
    }
    const seconds = (starts.at(-1)! - starts[0]!) / 1_000;
    expect((starts.length - workers) / seconds).toBeGreaterThan(requestsPerSecond);
  });

  test('is whole again for the one that is left', async () => {
    const brake = new Brake({ requestsPerSecond: 10 });
    brake.shareAmong(2);
    expect(brake.requestsPerSecond).toBeCloseTo(5.5);
    brake.shareAmong(1);
    expect(brake.requestsPerSecond).toBe(10);
    expect(gaps(await turns(brake, 3))).toEqual([100, 100]);
  });

  test('is halved and grows back in each, to its part', async () => {
    const onRecovered = vi.fn();
    const brake = new Brake({ requestsPerSecond: 10, onRecovered });
    brake.shareAmong(2);
    brake.throttled(performance.now(), 1_000);
    await later(1_000);
    expect(brake.requestsPerSecond).toBeCloseTo(2.75);
    await later(90_000);
    expect(brake.requestsPerSecond).toBeCloseTo(5.5);
    await brake.turn(FOR_EVER);
    expect(onRecovered).toHaveBeenCalledOnce();
  });
});

describe('after Mastercard said that it is too much', () => {
  test('nothing is sent for as long as it asks, then half as often, then steadily more often', async () => {
    const brake = new Brake({ requestsPerSecond: 10 });
    await brake.turn(FOR_EVER);
    const before = performance.now();
    brake.throttled(before, 30_000);
    expect(brake.requestsPerSecond).toBe(0);
    const [first, second] = await turns(brake, 2);
    expect(gaps([before, first!, second!])).toEqual([30_000, 200]);
    await later(45_000);
    expect(brake.requestsPerSecond).toBeCloseTo(7.5, 0);
    await later(45_000);
    expect(brake.requestsPerSecond).toBe(10);
  });

  test('turns that were given before come after the pause, in their order', async () => {
    const brake = new Brake({ requestsPerSecond: 10 });
    const before = performance.now();
    const starts = turns(brake, 4);
    await Promise.resolve();
    brake.throttled(performance.now(), 10_000);
    const [first, second, third, fourth] = await starts;
    expect(gaps([before, first!])).toEqual([0]);
    expect(gaps([second!, third!, fourth!])).toEqual([200, 200]);
    expect(second! - before).toBeGreaterThanOrEqual(10_000);
  });

  test('calls that were on their way slow it no further, and a longer pause that they bring counts', () => {
    const onSlowed = vi.fn();
    const brake = new Brake({ requestsPerSecond: 10, onSlowed });
    const sent = performance.now();
    vi.advanceTimersByTime(100);
    brake.throttled(sent, 5_000);
    brake.throttled(sent, 1_000);
    brake.throttled(sent);
    brake.throttled(sent, 9_000);
    expect(onSlowed.mock.calls).toEqual([
      [{ pauseMs: 5_000, requestsPerSecond: 5 }],
      [{ pauseMs: 9_000, requestsPerSecond: 5 }],
    ]);
  });

  test('without a Retry-After pauses grow up to a minute, until a call passes', async () => {
    const pauses: number[] = [];
    const brake = new Brake({ requestsPerSecond: 10, onSlowed: ({ pauseMs }) => pauses.push(pauseMs) });
    const call = async (throttled: boolean) => {
      await brake.turn(FOR_EVER);
      const startedAt = performance.now();
      await later(10);
      if (throttled) brake.throttled(startedAt);
      else brake.passed(startedAt);
    };
    for (let n = 0; n < 7; n += 1) await call(true);
    await call(false);
    await call(true);
    expect(pauses).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 2_000]);
  });

  test('it tells once that the agreed rate is back, at the first call that has it', async () => {
    const onRecovered = vi.fn();
    const brake = slowedBrake(1_000, { onRecovered });
    await turns(brake, 20);
    expect(onRecovered).not.toHaveBeenCalled();
    await later(90_000);
    await turns(brake, 2);
    expect(onRecovered).toHaveBeenCalledTimes(1);
  });

  test('the rate finds its way to what Mastercard takes, be it a tenth of what was agreed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 1, max: 10, noNaN: true }), async (takes) => {
        const brake = new Brake({ requestsPerSecond: 10 });
        const taken: number[] = [];
        let refusals = 0;
        const end = performance.now() + 600_000;
        while (performance.now() < end) {
          await brake.turn(FOR_EVER);
          const now = performance.now();
          // A bucket of two seconds, as a gateway counts.
          const recent = taken.filter((time) => time > now - 2_000).length;
          if (recent < Math.max(1, 2 * takes)) {
            taken.push(now);
            brake.passed(now);
          } else {
            refusals += 1;
            brake.throttled(now);
          }
        }
        expect(taken.length).toBeGreaterThan((600 * takes) / 2);
        expect(refusals).toBeLessThan(taken.length / 5);
      }),
      { numRuns: 20 },
    );
  });
});
