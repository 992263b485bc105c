import { defineConfig, mergeConfig } from 'vitest/config';
import base from '../vitest.config.js';

/** The long tier; `dev/long-tests.ts` runs it file by file. */
const { test, ...rest } = base;
export default mergeConfig(
  { ...rest, test: { ...test, include: [], exclude: [] } },
  defineConfig({ test: { include: ['test/**/*.{long,fuzz}.test.ts'] } }),
);
