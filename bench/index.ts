import { Argument, Command } from 'commander';
import { benchmarkBatches } from './batches.js';
import { benchmarkEncryption } from './encryption.js';
import { benchmarkPayloads } from './payloads.js';
import { benchmarkReading } from './reading.js';
import { machine } from './report.js';
import { benchmarkValidation } from './validation.js';

/** `npm run bench [-- PART]`: every figure in one run, or those of one part. */
const PARTS = {
  encryption: benchmarkEncryption,
  validation: benchmarkValidation,
  reading: benchmarkReading,
  payloads: benchmarkPayloads,
  batches: benchmarkBatches,
};

const [only] = new Command('bench')
  .addArgument(new Argument('[part]', 'what to measure (default: everything)').choices(Object.keys(PARTS)))
  .parse().processedArgs as [keyof typeof PARTS | undefined];

console.log(machine());
for (const [part, measure] of Object.entries(PARTS)) {
  if (only === undefined || only === part) await measure();
}
