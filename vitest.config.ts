import { availableParallelism } from 'node:os';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import HeavyFirst from './test/heavy-first.js';

/** The long tier: `npm run test:long`. */
const LONG = 'test/**/*.long.test.ts';

/** Rooms whose tests start no worker and replace no module (`vi.mock`): a process takes one file after the other. */
const PURE =
  'test/{activities,bench,bulk,client,docs,enrollment,mastercard,protection,retention,simulator}/**/*.test.ts';

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
  // Many tests wait for other processes and time limits: three files at once keep two cores busy.
  maxWorkers: Math.ceil(availableParallelism() * 1.5),
  sequence: { sequencer: HeavyFirst },
  globalSetup: ['./test/support/global-setup.ts'],
  reporters: ['default', './test/support/summary-reporter.ts'],
};

export default defineConfig({
  test: {
    ...wholeRun,
    projects: [
      { test: { ...eachFile, name: 'parts', include: ['test/**/*.test.ts'], exclude: [LONG, PURE] } },
      // Loading modules is half the work of such a file; so it is done once a process.
      { test: { ...eachFile, name: 'pure', include: [PURE], exclude: [LONG], isolate: false } },
    ],
  },
});
