import { rmSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { onExit } from 'signal-exit';
import { exists } from './cache.js';
import { mutated, readMutants, type Mutant } from './mutant.js';
import { TestLedger, treeNow } from './test-ledger.js';

/**
 * `npm run test:mutants [-- FILTER… --again]`: puts each deliberate fault of `test/mutants/mutants.json`, alone, into
 * a copy of the tree, and looks whether its tests fail. It remembers which were killed: started again on the same
 * tree, it goes on with the others.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { again: { type: 'boolean', default: false } },
});
const tree = await treeNow();
const killed = await TestLedger.open<{ tree: string; test: string; seconds: number }>('mutants');
const mutants = (await readMutants()).filter(
  ({ name, file }) =>
    positionals.length === 0 || positionals.some((word) => `${file} ${name}`.includes(word)),
);
const before = ({ name }: Mutant) => !values.again && killed.get(name)?.tree === tree;

const copy = await copyOfTree();
const reportPath = join(copy, 'mutants-report.json');
await checkUnmutated(mutants.filter((mutant) => !before(mutant)));

const left: string[] = [];
for (const mutant of mutants) {
  const { name } = mutant;
  if (before(mutant)) {
    console.log(`killed before on this tree: ${name}`);
    continue;
  }
  const started = Date.now();
  const { killer, output } = await run(mutant);
  const seconds = Math.round((Date.now() - started) / 1_000);
  if (killer === undefined) {
    left.push(name);
    console.log(
      output === undefined ? `SURVIVED in ${seconds} s: ${name}` : `NO PROGRAM: ${name}\n${output}`,
    );
  } else {
    await killed.set(name, { tree, test: killer, seconds });
    console.log(`killed in ${seconds} s: ${name}\n  by: ${killer}`);
  }
}
console.log(`${mutants.length - left.length} of ${mutants.length} mutants killed`);
for (const name of left) console.log(`  not killed: ${name}`);
process.exitCode = left.length > 0 ? 1 : 0;

/** The files as they are in the working tree, changed and new ones included. */
async function copyOfTree(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'c2p-mutants-'));
  onExit(() => rmSync(folder, { recursive: true, force: true }));
  const { stdout } = await execa('git', ['ls-files', '--cached', '--others', '--exclude-standard']);
  for (const file of stdout.split('\n')) if (await exists(file)) await cp(file, join(folder, file));
  await symlink(resolve('node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** Without a fault all must pass, and each mutant's tests must be among those that do. */
async function checkUnmutated(chosen: readonly Mutant[]): Promise<void> {
  if (chosen.length === 0) return;
  const files = [...new Set(chosen.map(({ killedBy }) => killedBy.file))];
  console.log(`without a fault: ${files.length} test files`);
  const { tests, output } = await vitest(files);
  const failed = tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
  if (failed.length > 0 || tests.length === 0)
    throw new Error(`without a fault, tests fail: ${failed.join('; ') || output}`);
  for (const { name, killedBy } of chosen) {
    const named = ({ file, fullName }: TestResult) =>
      file.endsWith(killedBy.file) && fullName.includes(killedBy.test ?? '');
    if (!tests.some(named)) throw new Error(`no test of ${killedBy.file} is named for the mutant '${name}'`);
  }
}

/**
 * Runs the tests of a mutant. Only a test that fails kills it: a mutant with which no test can be run is no program.
 * @returns the first test that failed, and how; where none could be run, what was written meanwhile.
 */
async function run(mutant: Mutant): Promise<{ killer?: string; output?: string }> {
  const path = join(copy, mutant.file);
  const source = await readFile(path, 'utf8');
  await writeFile(path, mutated(source, mutant));
  const { file, test } = mutant.killedBy;
  const { tests, output } = await vitest([file], test);
  await writeFile(path, source);
  const failed = tests.find(({ status }) => status === 'failed');
  if (failed) return { killer: `${failed.fullName}: ${failed.failureMessages.join().split('\n')[0]}` };
  return tests.some(({ status }) => status === 'passed') ? {} : { output };
}

interface TestResult {
  file: string;
  fullName: string;
  status: string;
  failureMessages: string[];
}

/** What became of each test; none where a file could not be loaded. A mutant may make a test hang: the time is short. */
async function vitest(
  files: readonly string[],
  name?: string,
): Promise<{ tests: TestResult[]; output: string }> {
  await rm(reportPath, { force: true });
  const options = ['--testTimeout', '60000', '--bail', '1', '--reporter', 'json', '--outputFile', reportPath];
  if (name !== undefined) options.push('--testNamePattern', name.replace(/[^\w\s]/g, '.'));
  const { all } = await execa('npx', ['vitest', 'run', ...options, ...files], {
    cwd: copy,
    reject: false,
    all: true,
  });
  if (!(await exists(reportPath))) return { tests: [], output: all };
  const { testResults } = JSON.parse(await readFile(reportPath, 'utf8')) as {
    testResults: { name: string; assertionResults: Omit<TestResult, 'file'>[] }[];
  };
  const tests = testResults.flatMap(({ name: file, assertionResults }) =>
    assertionResults.map((result) => ({ ...result, file })),
  );
  return { tests, output: all };
}
