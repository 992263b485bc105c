import { readdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { TestLedger, treeNow } from './test-ledger.js';

/**
 * `npm run test:long [-- FILTER… --part N/M --again]`: runs each file of the long tier by itself, and remembers
 * which passed. Started again on the same tree, it goes on with those that have not.
 */
const CONFIG = 'test/long.vitest.config.ts';
/** How many inputs each fuzzing test is given here. */
const FUZZ_RUNS = '200000';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { part: { type: 'string', default: '1/1' }, again: { type: 'boolean', default: false } },
});
const part = /^([1-9]\d*)\/([1-9]\d*)$/.exec(values.part);
if (!part || Number(part[1]) > Number(part[2])) throw new Error('--part is N/M, as in 1/2');
const [n, parts] = [Number(part[1]), Number(part[2])];

const tree = await treeNow();
const passed = await TestLedger.open<{ tree: string; seconds: number }>('long-tests');
const files = (await readdir('test', { recursive: true }))
  .filter((path) => /\.(?:long|fuzz)\.test\.ts$/.test(path))
  .map((path) => `test/${path}`)
  .filter((path) => positionals.length === 0 || positionals.some((filter) => path.includes(filter)))
  .sort()
  .filter((_, index) => index % parts === n - 1);

let failed = 0;
let seconds = 0;
for (const file of files) {
  const before = passed.get(file);
  if (before?.tree === tree && !values.again) {
    console.log(`${file}: passed before on this tree, in ${before.seconds} s`);
    seconds += before.seconds;
    continue;
  }
  const started = Date.now();
  const { exitCode } = await execa('npx', ['vitest', 'run', '--config', CONFIG, file], {
    stdio: 'inherit',
    reject: false,
    env: { C2P_FUZZ_RUNS: process.env['C2P_FUZZ_RUNS'] ?? FUZZ_RUNS },
  });
  const took = Math.round((Date.now() - started) / 1_000);
  console.log(`${file}: ${exitCode === 0 ? 'passed' : 'FAILED'} in ${took} s`);
  seconds += took;
  if (exitCode === 0) await passed.set(file, { tree, seconds: took });
  else failed += 1;
}
console.log(
  `long tier, part ${n}/${parts}: ${files.length - failed} files passed, ${failed} failed, ${seconds} s`,
);
process.exitCode = failed > 0 ? 1 : 0;
