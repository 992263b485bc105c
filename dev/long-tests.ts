import { createHash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { execa } from 'execa';

/**
 * `npm run test:long [-- FILTER… --part N/M]`: runs each file of the long tier by itself, and remembers which
 * passed. Started again on the same tree, it goes on with those that have not; `--again` runs them all.
 */
const LEDGER = '.test-long.json';
const CONFIG = 'test/long.vitest.config.ts';
/** How many inputs each fuzzing test is given here. */
const FUZZ_RUNS = '200000';

interface Ledger {
  /** The tree that these results are of. */
  tree: string;
  passed: Record<string, { seconds: number }>;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { part: { type: 'string', default: '1/1' }, again: { type: 'boolean', default: false } },
});
const part = /^([1-9]\d*)\/([1-9]\d*)$/.exec(values.part);
if (!part || Number(part[1]) > Number(part[2])) throw new Error('--part is N/M, as in 1/2');
const [n, parts] = [Number(part[1]), Number(part[2])];

const tree = await treeNow();
const ledger = await readLedger();
const files = (await readdir('test', { recursive: true }))
  .filter((path) => /\.(?:long|fuzz)\.test\.ts$/.test(path))
  .map((path) => `test/${path}`)
  .filter((path) => positionals.length === 0 || positionals.some((filter) => path.includes(filter)))
  .sort()
  .filter((_, index) => index % parts === n - 1);

let failed = 0;
for (const file of files) {
  const before = ledger.passed[file];
  if (before && !values.again) {
    console.log(`${file}: passed before on this tree, in ${before.seconds} s`);
    continue;
  }
  const started = Date.now();
  const { exitCode } = await execa('npx', ['vitest', 'run', '--config', CONFIG, file], {
    stdio: 'inherit',
    reject: false,
    env: { C2P_FUZZ_RUNS: process.env['C2P_FUZZ_RUNS'] ?? FUZZ_RUNS },
  });
  const seconds = Math.round((Date.now() - started) / 1_000);
  console.log(`${file}: ${exitCode === 0 ? 'passed' : 'FAILED'} in ${seconds} s`);
  if (exitCode !== 0) failed += 1;
  else ledger.passed[file] = { seconds };
  await writeFile(LEDGER, JSON.stringify(ledger, null, 2));
}
console.log(`long tier, part ${n}/${parts}: ${files.length - failed} files passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

/** The files as git sees them, changed ones included. */
async function treeNow(): Promise<string> {
  const { stdout: head } = await execa('git', ['rev-parse', 'HEAD^{tree}']);
  const { stdout: changes } = await execa('git', ['diff', 'HEAD']);
  return createHash('sha256').update(head).update(changes).digest('hex');
}

async function readLedger(): Promise<Ledger> {
  const written = await readFile(LEDGER, 'utf8').catch(() => undefined);
  const known = written === undefined ? undefined : (JSON.parse(written) as Ledger);
  return known?.tree === tree ? known : { tree, passed: {} };
}
