import { performance } from 'node:perf_hooks';

/** A thing to measure: does its work once at each call. */
export type Candidate = () => unknown;

/** Calls per second of each candidate, one figure a round. */
export type Rates<Name extends string> = Record<Name, number[]>;

export interface AlternatingOptions {
  rounds: number;
  /** How long each candidate works in a round, at least (ms). */
  sliceMs: number;
  /** Milliseconds from whenever; by default of the clock on the wall. */
  now?: () => number;
}

/**
 * Measures candidates in turns, A B C A B C …: what else the machine does meanwhile, and how warm it
 * is, then falls on all of them alike. The first turn of each warms up and does not count.
 */
export async function measureAlternating<Name extends string>(
  candidates: Record<Name, Candidate>,
  { rounds, sliceMs, now = () => performance.now() }: AlternatingOptions,
): Promise<Rates<Name>> {
  const names = Object.keys(candidates) as Name[];
  const rates = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Rates<Name>;
  for (const name of names) await callsPerSecond(candidates[name], sliceMs, now);
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) rates[name].push(await callsPerSecond(candidates[name], sliceMs, now));
  }
  return rates;
}

/**
 * Measures candidates that tell a rate of their own, in turns there and back, A B B A A B …: a server that
 * grows slower does so for all alike. The first turn of each warms up and does not count.
 *
 * @param candidates get the number of the round, from 0 on.
 */
export async function measureThereAndBack<Name extends string>(
  candidates: Record<Name, (round: number) => Promise<number>>,
  rounds: number,
): Promise<Rates<Name>> {
  const names = Object.keys(candidates) as Name[];
  const rates = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Rates<Name>;
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of round % 2 === 1 ? names : names.toReversed()) {
      const rate = await candidates[name](round);
      if (round > 0) rates[name].push(rate);
    }
  }
  return rates;
}

async function callsPerSecond(candidate: Candidate, sliceMs: number, now: () => number): Promise<number> {
  const start = now();
  let calls = 0;
  let elapsed: number;
  do {
    await candidate();
    calls += 1;
    elapsed = now() - start;
  } while (elapsed < sliceMs);
  return (calls * 1_000) / elapsed;
}

/** Milliseconds that this process has had a core: runs on only while it works, however busy the machine is. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** The middle of the figures: one slow round does not move it. */
export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** How fast the one is beside the other, round by round: the median of the ratios. */
export function medianRatio(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours.map((figure, round) => figure / (theirs[round] ?? Number.NaN)));
}
