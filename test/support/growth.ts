import { expect, test } from 'vitest';

/** The largest growth per doubling that counts as linear: 2 is exact, the rest is for sorting, caches and the garbage collector. */
export const MOST_GROWTH = 2.3;

/** Each measurement repeats the work until it has taken so much CPU (µs): two thousand times the clock's resolution. */
const SAMPLE_US = 2_000;
/** So much CPU (µs) goes into the work before anything is measured, for the compiler. */
const WARM_UP_US = 5_000;
/** After a single run of the work that took more CPU (µs), no larger input is tried. */
const TOO_LONG_US = 1_000_000;
/** Every size is measured so often at most, in turns with the others. */
const MOST_ROUNDS = 60;
/** A growth above this is not linear, … */
const CERTAIN_GROWTH = 2.9;
/** … once the measurement has taken so much CPU (µs): what disturbs it for longer than that is not to be expected. */
const CERTAIN_US = 400_000;
/** The sizes that are measured, as multiples of the smallest. */
const FACTORS = [1, 2, 4, 8] as const;

declare module 'vitest' {
  interface TaskMeta {
    /** The measured growth per doubling; the JSON reporter writes it down. */
    growth?: number;
  }
}

/**
 * Measures how much more CPU some work takes when its input doubles. CPU is user and system time of all threads
 * of this process, so other processes that keep the machine busy hardly matter.
 *
 * The work is measured with inputs of one, two, four and eight times `size`, several times each in turns, and
 * the least of each size counts. Building the inputs is not measured.
 *
 * @param make builds the input of a size, in whatever unit grows.
 * @param work must leave its input as it was: it is called many times with the same one.
 * @param size the smallest; large enough that what grows outweighs what each call takes anyway (about 0.5 ms).
 * @returns the growth per doubling, (t8 / t1)^(1/3), without a unit: 2 for work that is linear, 4 for work that is
 *   quadratic, 1 for work that does not depend on the size. If a call takes more than a second, the growth up to that
 *   size; infinity if that is the smallest size.
 *
 * @example
 * const growth = await growthOf((size) => 'x'.repeat(size), (text) => text.indexOf('y'), 100_000); // about 2
 */
export async function growthOf<Input>(
  make: (size: number) => Input,
  work: (input: Input) => unknown,
  size: number,
): Promise<number> {
  const inputs = FACTORS.map((factor) => make(size * factor));
  const least = inputs.map(() => Infinity);
  if ((await cpuOf(work, inputs[0]!, WARM_UP_US)) > TOO_LONG_US) return Infinity;

  const before = process.cpuUsage();
  let growth = Infinity;
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    for (const [index, input] of inputs.entries()) {
      const taken = await cpuOf(work, input, SAMPLE_US);
      least[index] = Math.min(least[index]!, taken);
      if (taken > TOO_LONG_US) return growthTo(index, least);
    }
    growth = growthTo(inputs.length - 1, least);
    // Only what grows too fast is measured again and again.
    if (growth <= MOST_GROWTH || (growth > CERTAIN_GROWTH && cpuSince(before) > CERTAIN_US)) break;
  }
  return growth;
}

/** The growth per doubling from the smallest size to another one. */
function growthTo(index: number, least: readonly number[]): number {
  return index === 0 ? Infinity : (least[index]! / least[0]!) ** (1 / index);
}

/** The CPU (µs) that one call of the work takes, of as many calls as take `enough` (µs) together. */
async function cpuOf<Input>(work: (input: Input) => unknown, input: Input, enough: number): Promise<number> {
  const before = process.cpuUsage();
  for (let calls = 1; ; calls += 1) {
    const result = work(input);
    // Waiting for what is no promise would take as long as a short call.
    if (result instanceof Promise) await result;
    const taken = cpuSince(before);
    if (taken >= enough) return taken / calls;
  }
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** What is measured: builds the input of a size, works on it, and the smallest size; see `growthOf`. */
export type Measured<Input> = [make: (size: number) => Input, work: (input: Input) => unknown, size: number];

/**
 * A test that the CPU that some work takes grows no faster than its input.
 * @param shape the input, as the end of the sentence "… takes time in proportion to".
 *
 * @example
 * describe('masking card numbers takes time in proportion to', () => {
 *   linear('one long run of digits', (size) => '4'.repeat(size), maskPans, 10_000);
 * });
 */
export function linear<Input>(shape: string, ...measured: Measured<Input>): void {
  test(shape, async ({ task }) => {
    task.meta.growth = await growthOf(...measured);
    expectLinear(task.meta.growth);
  });
}

function expectLinear(growth: number): void {
  expect(growth, 'CPU per doubling of the input').toBeLessThanOrEqual(MOST_GROWTH);
}

/**
 * Work that must be refused: returns the error, and throws where there is none, so that a shape that is not as
 * hostile as it was meant is noticed.
 */
export async function refusalOf(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error('this input must be refused');
}

/** A text that repeats `unit` until it has `size` characters, whole units only. */
export function repeated(unit: string, size: number): string {
  return unit.repeat(Math.ceil(size / unit.length));
}

/** `count` things, numbered from 0. */
export function many<T>(count: number, one: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => one(n));
}

/**
 * An object of `count` fields that nobody knows. Their names are numbers, which V8 keeps as it keeps a list: its
 * tables of other names grow in steps and miss caches, so that they would be measured instead of the work.
 */
export function unknownFields(count: number): object {
  return Object.fromEntries(many(count, (n) => [n, n]));
}
