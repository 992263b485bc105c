import { defineConfig, mergeConfig } from 'vitest/config';
import base from '../../vitest.config.js';

/** `npm run scaling`: measurements, which say nothing on a machine that does other work meanwhile. */
const { test, ...rest } = base;
export default mergeConfig(
  { ...rest, test: { ...test, include: [] } },
  defineConfig({ test: { include: ['test/scaling/*.scaling.ts'] } }),
);
