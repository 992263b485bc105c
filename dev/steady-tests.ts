import { readdir, readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { TestLedger } from './test-ledger.js';

/**
 * `npm run test:steady [-- FILTER… --gate 5 --files 20 --at-once 1 --minutes 60]`: finds tests that fail at
 * random. It runs the whole gate so many times beside two busy loops, and each file that uses real processes or
 * skipped time so many times in a test run of its own, `--at-once` of them at a time. It counts how often each
 * passed in a row; a failure sets the count back to 0. Stopped or out of time, it goes on where it was the next
 * time.
 */
const GATE = 'the gate, beside two busy loops';
const REAL_OR_SKIPPED =
  /support\/(?:rig|bulk-rig|real-\w+|time-skipping|postgres|codec-server-process)\.js|\bexeca\b|command-line\.js|chaos-test\.js|lives\.js|server-process\.js|embedded-temporal\.js/;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    gate: { type: 'string', default: '5' },
    files: { type: 'string', default: '20' },
    'at-once': { type: 'string', default: '1' },
    minutes: { type: 'string', default: '60' },
  },
});
const wanted = { gate: Number(values.gate), file: Number(values.files) };
const until = Date.now() + Number(values.minutes) * 60_000;

const counts = await TestLedger.open<{ passed: number; failed: number; seconds: number }>('steady-tests');
const files = await filesToRun();
const units = [...files, ...(positionals.length === 0 ? [GATE] : [])];
const passedOf = (unit: string) => counts.get(unit)?.passed ?? 0;
const missing = (unit: string) => (unit === GATE ? wanted.gate : wanted.file) - passedOf(unit);

const running = new Set<string>();
await Promise.all(
  Array.from({ length: Number(values['at-once']) }, async () => {
    for (let file = nextOf(files); file !== undefined; file = nextOf(files)) await count(file, vitest);
  }),
);
while (units.includes(GATE) && nextOf([GATE])) await count(GATE, () => besideBusyLoops(() => vitest()));
const open = units.filter((unit) => missing(unit) > 0);
console.log(`${units.length - open.length} of ${units.length} passed as often as wanted`);
for (const unit of open) console.log(`  ${missing(unit)} more of ${unit}`);
process.exitCode = open.length > 0 ? 1 : 0;

/** The one that has passed least often, of those that are not running; none when the time is up. */
function nextOf(candidates: string[]): string | undefined {
  if (Date.now() >= until) return undefined;
  return candidates
    .filter((unit) => missing(unit) > 0 && !running.has(unit))
    .sort((one, other) => passedOf(one) - passedOf(other))[0];
}

async function count(unit: string, run: (unit: string) => Promise<boolean>): Promise<void> {
  running.add(unit);
  const started = Date.now();
  const ok = await run(unit);
  running.delete(unit);
  const before = counts.get(unit) ?? { passed: 0, failed: 0, seconds: 0 };
  const seconds = Math.round((Date.now() - started) / 1_000);
  const now = ok
    ? { ...before, passed: before.passed + 1, seconds }
    : { ...before, passed: 0, failed: before.failed + 1, seconds };
  await counts.set(unit, now);
  console.log(`${unit}: ${ok ? 'passed' : 'FAILED'} in ${seconds} s, ${now.passed} in a row`);
}

async function filesToRun(): Promise<string[]> {
  const found: string[] = [];
  for (const path of await readdir('test', { recursive: true })) {
    if (!path.endsWith('.test.ts') || path.endsWith('.long.test.ts')) continue;
    const file = `test/${path}`;
    if (positionals.length > 0 && !positionals.some((filter) => file.includes(filter))) continue;
    if (REAL_OR_SKIPPED.test(await readFile(file, 'utf8'))) found.push(file);
  }
  return found.sort();
}

async function vitest(...args: string[]): Promise<boolean> {
  const { exitCode, all } = await execa('npx', ['vitest', 'run', ...args], { reject: false, all: true });
  if (exitCode !== 0) console.log(all);
  return exitCode === 0;
}

async function besideBusyLoops<T>(work: () => Promise<T>): Promise<T> {
  const loops = [1, 2].map(() => execa(process.execPath, ['-e', 'for (;;);'], { reject: false }));
  try {
    return await work();
  } finally {
    for (const loop of loops) loop.kill('SIGKILL');
  }
}
