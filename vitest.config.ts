import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import HeavyFirst from './test/heavy-first.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The long tier: `npm run test:long`.
    exclude: ['test/**/*.long.test.ts'],
    // The Temporal SDK is a native module: worker threads cannot host it.
    pool: 'forks',
    // Many tests wait for other processes and time limits: three files at once keep two cores busy.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    // The tests on real parts wait for time limits, not for the processor: all cases of a file at once.
    maxConcurrency: 10,
    sequence: { sequencer: HeavyFirst },
    globalSetup: ['./test/support/global-setup.ts'],
    // Finds what hangs: a file takes a minute at most by itself, and longer beside other work.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: ['default', './test/support/summary-reporter.ts'],
  },
});
