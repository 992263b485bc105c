import { defineConfig } from 'vitest/config';
import { eachFile, wholeRun } from '../vitest.config.js';

/** The long tier; `dev/long-tests.ts` runs it file by file. */
export default defineConfig({
  test: { ...wholeRun, ...eachFile, include: ['test/**/*.{long,fuzz}.test.ts'] },
});
