import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UNPRINTABLE } from '../support/hostile-texts.js';
import { filesBelow, findLeaks, needlesOf } from '../support/leak-search.js';

const GUARD = new URL('../../dist/protection/guard-process.js', import.meta.url).href;
const PAN = '5186001700009726';
const MASKED = '************9726';
const REPORTS = ['--report-uncaught-exception', '--report-on-fatalerror'];
const CORE_PATTERN = '/proc/sys/kernel/core_pattern';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'c2p-guard-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Runs a program with the number in `pan`, guarded or not. */
async function run(
  program: string,
  guarded: boolean,
  coreLimit: '0' | 'unlimited' = '0',
  more: Record<string, string> = {},
) {
  const folder = await mkdtemp(join(root, 'run-'));
  const guard = guarded ? `import { guardProcess } from '${GUARD}'; guardProcess();` : '';
  const source = `${guard} const pan = process.env.NUMBER; ${program}`;
  // Without it Node tells more, and so does the control.
  const abort = guarded ? ['--abort-on-uncaught-exception'] : [];
  const command = [...abort, ...REPORTS, '--input-type=module', '--eval', source];
  const { exitCode, stdout, stderr } = await execa(
    '/bin/sh',
    ['-c', 'ulimit -c "$0" && exec "$@"', coreLimit, process.execPath, ...command],
    { cwd: folder, env: { NUMBER: PAN, ...more }, reject: false },
  );
  const left = [...(await filesBelow(folder)), { name: 'output', bytes: Buffer.from(stdout + stderr) }];
  const leaks = findLeaks(left, needlesOf('number', PAN));
  const files = left.map(({ name }) => name).filter((name) => name !== 'output');
  return { exitCode, stdout, stderr, files, leaks };
}

const DEADLY: Record<string, string> = {
  'an error that nobody catches': 'setTimeout(() => { throw new TypeError(`of ${pan}`); }, 1);',
  'an error at the top': 'throw new TypeError(`of ${pan}`);',
  'a rejection that nobody handles': 'await 0; void Promise.reject(new TypeError(`of ${pan}`));',
  'a cause': 'setTimeout(() => { throw new Error("x", { cause: new TypeError(`of ${pan}`) }); }, 1);',
  'one of many errors': 'setTimeout(() => { throw new AggregateError([new TypeError(`of ${pan}`)]); }, 1);',
  'something that is no error': 'setTimeout(() => { throw `of ${pan}`; }, 1);',
};

const SAID: Record<string, string> = {
  'console.error': 'console.error("of", { pan });',
  'console.log': 'console.log(`of ${pan}`);',
  'a warning': 'process.emitWarning(`of ${pan}`);',
  'a deprecation': 'process.emitWarning(`of ${pan}`, "DeprecationWarning", "DEP0001");',
  'standard error': 'process.stderr.write(Buffer.from(`of ${pan}\\n`));',
};

describe('a guarded process', () => {
  it.each(Object.keys(DEADLY))('dies of %s without telling a card number', async (what) => {
    const died = await run(DEADLY[what]!, true);
    expect(died).toMatchObject({ exitCode: 1, stdout: '', files: [], leaks: [] });
    expect(died.stderr).toContain(`of ${MASKED}`);
  });

  it.each(Object.keys(SAID))(
    'masks what is said by %s, and keeps standard output for results',
    async (how) => {
      const spoke = await run(SAID[how]!, true);
      expect(spoke).toMatchObject({ exitCode: 0, stdout: '', files: [], leaks: [] });
      expect(spoke.stderr).toContain(MASKED);
    },
  );

  it.runIf(process.platform === 'linux')('leaves nothing of its memory for a core dump', async () => {
    const program =
      "process.stdout.write((await import('node:fs')).readFileSync('/proc/self/coredump_filter'));";
    expect(Number.parseInt((await run(program, true)).stdout, 16)).toBe(0);
  });
});

describe.skipIf(process.platform === 'win32')('a debugger', () => {
  const PROGRAM = `const inspector = await import('node:inspector');
    process.kill(process.pid, 'SIGUSR1');
    for (let waited = 0; inspector.url() === undefined && waited < 1_000; waited += 50)
      await new Promise((resolve) => setTimeout(resolve, 50));
    process.stdout.write(inspector.url() ?? 'none');
    process.exit();`;

  it('is not opened by SIGUSR1 in a guarded process, as it is in another', async () => {
    expect((await run(PROGRAM, true)).stdout).toBe('none');
    expect((await run(PROGRAM, false, '0', { NODE_OPTIONS: '--inspect-port=0' })).stdout).toMatch(/^ws:/);
  });
});

describe('NODE_TLS_REJECT_UNAUTHORIZED=0', () => {
  it('is not obeyed by a guarded process, which remembers that it was set', async () => {
    const program = `
      const { tlsExposures } = await import('${GUARD.replace('guard-process', 'tls-exposures')}');
      process.stdout.write(JSON.stringify([process.env.NODE_TLS_REJECT_UNAUTHORIZED ?? null, tlsExposures().length]));`;
    expect((await run(program, true)).stdout).toBe('[null,0]');
    expect((await run(program, true, '0', { NODE_TLS_REJECT_UNAUTHORIZED: '0' })).stdout).toBe('[null,1]');
  });
});

describe('what a guarded process says last', () => {
  it.each(['setTimeout(() => { throw new Error(text); }, 1);', 'process.emitWarning(text);'])(
    'moves no terminal: %s',
    async (program) => {
      const { stderr } = await run(`const text = '\\u001b[2J\\u009b1m\\u202eof'; ${program}`, true);
      expect(stderr).toContain('␛[2J�1m�of');
      expect(stderr).not.toMatch(UNPRINTABLE);
    },
  );
});

it('a line of the log is written at once: a process that is killed after it leaves it behind', async () => {
  const logger = new URL('../../dist/protection/logger.js', import.meta.url).href;
  const log = `const { createLogger } = await import('${logger}'); createLogger({ level: 'info', name: 'x' }).info('last');`;
  const { stderr } = await run(`${log} process.kill(process.pid, 'SIGKILL');`, true);
  expect(stderr).toContain('"msg":"last"');
});

describe('the control: a process without the guard', () => {
  it.each(Object.keys({ ...DEADLY, ...SAID }))('shows the number by %s', async (what) => {
    const { leaks } = await run({ ...DEADLY, ...SAID }[what]!, false);
    expect(leaks.length).toBeGreaterThan(0);
  });

  it('leaves it in its core dump, which a guarded one does not', async ({ skip }) => {
    const here = existsSync(CORE_PATTERN) && (await readFile(CORE_PATTERN, 'utf8')).trim() === 'core';
    if (!here) skip('core dumps are not files here');
    const program = "setTimeout(() => process.kill(process.pid, 'SIGABRT'), 1); globalThis.kept = `${pan}.`;";
    const leaksIn = async (guarded: boolean) => {
      const { files, leaks } = await run(program, guarded, 'unlimited');
      expect(files).toEqual(['core']);
      return new Set(leaks.map(({ where }) => where));
    };
    expect(await leaksIn(false)).toEqual(new Set(['core']));
    expect(await leaksIn(true)).toEqual(new Set());
  });
});
