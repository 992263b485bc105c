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
const before = ({ name }: Mutant) => {
  const entry = killed.get(name);
  return values.again || entry?.tree !== tree ? undefined : entry;
};

const copy = await copyOfTree();
const reportPath = join(copy, 'mutants-report.json');
await checkUnmutated(mutants.filter((mutant) => !before(mutant)));

const survived: string[] = [];
for (const mutant of mutants) {
  const { name } = mutant;
  const earlier = before(mutant);
  if (earlier) {
    console.log(`killed before on this tree: ${name}`);
    continue;
  }
  const started = Date.now();
  const test = await killerOf(mutant);
  const seconds = Math.round((Date.now() - started) / 1_000);
  console.log(`${test === undefined ? 'SURVIVED' : 'killed'} in ${seconds} s: ${name}`);
  if (test === undefined) survived.push(name);
  else {
    console.log(`  by: ${test}`);
    await killed.set(name, { tree, test, seconds });
  }
}
console.log(`${mutants.length - survived.length} of ${mutants.length} mutants killed`);
for (const name of survived) console.log(`  survived: ${name}`);
process.exitCode = survived.length > 0 ? 1 : 0;

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
 * @returns the first test that fails; nothing where none does.
 * @throws Error where no test could be run: the mutant is no program.
 */
async function killerOf(mutant: Mutant): Promise<string | undefined> {
  const path = join(copy, mutant.file);
  const source = await readFile(path, 'utf8');
  await writeFile(path, mutated(source, mutant));
  const { file, test } = mutant.killedBy;
  const { tests, output } = await vitest([file], test);
  await writeFile(path, source);
  const ran = tests.filter(({ status }) => status === 'passed' || status === 'failed');
  if (ran.length === 0) throw new Error(`with the mutant '${mutant.name}' no test runs: ${output}`);
  return ran.find(({ status }) => status === 'failed')?.fullName;
}

interface TestResult {
  file: string;
  fullName: string;
  status: string;
}

/** What became of each test; none where a file could not be loaded. A mutant may make a test hang: the time is short. */
async function vitest(
  files: readonly string[],
  name?: string,
): Promise<{ tests: TestResult[]; output: string }> {
  await rm(reportPath, { force: true });
  const options = ['--testTimeout', '60000', '--reporter', 'json', '--outputFile', reportPath];
  if (name !== undefined) options.push('--bail', '1', '--testNamePattern', name.replace(/[^\w\s]/g, '.'));
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
    assertionResults.map(({ fullName, status }) => ({ file, fullName, status })),
  );
  return { tests, output: all };
}
