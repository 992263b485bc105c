import fc from 'fast-check';
import { beforeAll, test } from 'vitest';

const seed = Number(process.env['C2P_FUZZ_SEED'] ?? 20_261_124);
const path = process.env['C2P_FUZZ_PATH'];
const runs = path === undefined ? Number(process.env['C2P_FUZZ_RUNS'] ?? 1_000) : 1;

beforeAll(() => console.log(`C2P_FUZZ_SEED=${seed}`));

/**
 * A test that feeds inputs to what must bear all of them: `C2P_FUZZ_RUNS` of them (1,000), the same ones
 * for the same `C2P_FUZZ_SEED`. What an input must not bring about, `property` throws; the failure tells
 * the smallest input that was found, and how to play it alone.
 */
export function fuzz<Input>(
  name: string,
  inputs: fc.Arbitrary<Input>,
  property: (input: Input) => Promise<void> | void,
): void {
  test(`${name}: ${runs} inputs`, { timeout: 60_000 + runs * 20 }, async () => {
    const { stackTraceLimit } = Error;
    // Thousands of errors come; to trace each takes longer than all else. An input that is played alone has its trace.
    if (path === undefined) Error.stackTraceLimit = 0;
    const details = await fc.check(
      fc.asyncProperty(inputs, async (input) => property(input)),
      {
        seed,
        numRuns: runs,
        ...(path === undefined ? {} : { path }),
      },
    );
    Error.stackTraceLimit = stackTraceLimit;
    if (!details.failed) return;
    const again = `C2P_FUZZ_SEED=${details.seed} C2P_FUZZ_PATH=${details.counterexamplePath}`;
    throw new Error(`${again} plays this input alone:\n${beginningOf(details.counterexample?.[0])}`, {
      cause: details.errorInstance,
    });
  });
}

/** Bytes as latin1 text; of all that is long, the beginning. */
function beginningOf(input: unknown): string {
  const legible = (_: string, value: unknown) =>
    value instanceof Object && 'type' in value && value.type === 'Buffer'
      ? Buffer.from(value as unknown as Uint8Array).toString('latin1')
      : value;
  return JSON.stringify(input, legible).slice(0, 2_000);
}
