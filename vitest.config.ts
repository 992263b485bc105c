import { availableParallelism } from 'node:os';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import HeavyFirst from './test/heavy-first.js';

/** The long tier: `npm run test:long`. */
const LONG = 'test/**/*.long.test.ts';

/**
 * Tests that need a process of their own: of workflows in skipped time, since calls of the SDK can outlive their file;
 * of what is held in memory; and those that replace a module (`vi.mock`) or a part of one, directly or in a helper.
 */
export const ALONE = [
  'test/{parsers,support,workflows}/**/*.test.ts',
  'test/cli/{growth,input*,watching}.test.ts',
  'test/bulk/reading-properties.test.ts',
  'test/config/{config.fuzz,growth}.test.ts',
  'test/mastercard/pkcs12.fuzz.test.ts',
  'test/store/whole-file.test.ts',
];

export const eachFile = {
  // The Temporal SDK is a native module: worker threads cannot host it.
  pool: 'forks',
  // The tests on real parts wait for time limits, not for the processor: all cases of a file at once.
  maxConcurrency: 10,
  // Finds what hangs: a file takes a minute at most by itself, and longer beside other work.
  testTimeout: 180_000,
  hookTimeout: 180_000,
} satisfies TestProjectInlineConfiguration['test'];

export const wholeRun = {
  // Many tests wait for other processes and time limits: four files at once keep two cores busy.
  maxWorkers: availableParallelism() * 2,
  sequence: { sequencer: HeavyFirst },
  globalSetup: ['./test/support/global-setup.ts'],
  reporters: ['default', './test/support/summary-reporter.ts'],
};

export default defineConfig({
  test: {
    ...wholeRun,
    projects: [
      { test: { ...eachFile, name: 'alone', include: ALONE, exclude: [LONG] } },
      // A process takes one file after the other: it loads modules, half the work of such a file, once.
      {
        test: {
          ...eachFile,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: [LONG, ...ALONE],
          isolate: false,
        },
      },
    ],
  },
});
