import { readdir, readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { TestLedger, treeNow } from './test-ledger.js';

/**
 * `npm run test:long [-- FILTER… --part N/M --again]`: runs each file of the long tier by itself, then the tests of
 * workflows with hand-over forced, and remembers which passed. Started again on the same tree, it goes on with those that have not.
 */
const CONFIG = 'test/long.vitest.config.ts';
const WORKFLOW_TESTS = 'test/workflows';
/** How many inputs each fuzzing test is given here, and in how many runs: none may take longer than 45 minutes. */
const FUZZ_INPUTS = Number(process.env['C2P_FUZZ_RUNS'] ?? 1_000_000);
const FUZZ_PARTS = 2;
/** Of the first part; the others follow. */
const FUZZ_SEED = Number(process.env['C2P_FUZZ_SEED'] ?? 20_261_124);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { part: { type: 'string', default: '1/1' }, again: { type: 'boolean', default: false } },
});
const part = /^([1-9]\d*)\/([1-9]\d*)$/.exec(values.part);
if (!part || Number(part[1]) > Number(part[2])) throw new Error('--part is N/M, as in 1/2');
const [n, parts] = [Number(part[1]), Number(part[2])];

const tree = await treeNow();
const passed = await TestLedger.open<{ tree: string; seconds: number }>('long-tests');
const runs = [...(await longFiles()), ...(await handedOver())]
  .filter(({ name }) => positionals.length === 0 || positionals.some((filter) => name.includes(filter)))
  .sort((one, other) => one.name.localeCompare(other.name))
  .filter((_, index) => index % parts === n - 1);

let failed = 0;
let seconds = 0;
for (const { name, args, env } of runs) {
  const before = passed.get(name);
  if (before?.tree === tree && !values.again) {
    console.log(`${name}: passed before on this tree, in ${before.seconds} s`);
    seconds += before.seconds;
    continue;
  }
  const started = Date.now();
  const { exitCode } = await execa('npx', ['vitest', 'run', ...args], {
    stdio: 'inherit',
    reject: false,
    env,
  });
  const took = Math.round((Date.now() - started) / 1_000);
  console.log(`${name}: ${exitCode === 0 ? 'passed' : 'FAILED'} in ${took} s`);
  seconds += took;
  if (exitCode === 0) await passed.set(name, { tree, seconds: took });
  else failed += 1;
}
console.log(
  `long tier, part ${n}/${parts}: ${runs.length - failed} runs passed, ${failed} failed, ${seconds} s`,
);
process.exitCode = failed > 0 ? 1 : 0;

interface Run {
  name: string;
  /** Of vitest. */
  args: string[];
  env: NodeJS.ProcessEnv;
}

async function longFiles(): Promise<Run[]> {
  return (await readdir('test', { recursive: true }))
    .filter((path) => /\.(?:long|fuzz)\.test\.ts$/.test(path))
    .flatMap((path) => {
      const run = { name: `test/${path}`, args: ['--config', CONFIG, `test/${path}`], env: {} };
      return path.endsWith('.fuzz.test.ts') ? inParts(run) : [run];
    });
}

/** The inputs of a fuzzing test, a share of them for each of several seeds. */
function inParts({ name, args }: Run): Run[] {
  return Array.from({ length: FUZZ_PARTS }, (_, part) => ({
    name: `${name}, inputs ${part + 1}/${FUZZ_PARTS}`,
    args,
    env: {
      C2P_FUZZ_RUNS: String(Math.ceil(FUZZ_INPUTS / FUZZ_PARTS)),
      C2P_FUZZ_SEED: String(FUZZ_SEED + part),
    },
  }));
}

/** The gate's tests of workflows once more, with every workflow handed over to a new run at each wait. */
async function handedOver(): Promise<Run[]> {
  const files = (await readdir(WORKFLOW_TESTS))
    .filter((name) => name.endsWith('.test.ts') && !name.endsWith('.long.test.ts'))
    .map((name) => `${WORKFLOW_TESTS}/${name}`);
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return files
    .filter((_, index) => texts[index]!.includes("support/rig.js'"))
    .map((file) => ({ name: `${file} handed over`, args: [file], env: { C2P_TEST_HAND_OVER: '1' } }));
}
