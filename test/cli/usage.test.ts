import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../dev/free-port.js';
import { progressPrinter } from '../../cli/progress.js';
import { writeSandboxConfig } from '../../dev/sandbox.js';
import { testRecord, testRecords } from '../support/records.js';
import { c2p, c2pProcess, writeRecords } from './command-line.js';
import { sandboxKeysIn } from '../support/sandbox-keys.js';

const SAMPLE = fileURLToPath(new URL('../../examples/cards.jsonl', import.meta.url));
const COMMANDS = ['enroll', 'status', 'watch', 'report', 'list', 'cancel', 'poll', 'resolve', 'validate'];
const PROCESSES = ['worker', 'simulator', 'dev'];
const OF_BULK = 'start status watch pause resume change cancel report rejects rerun'.split(' ');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-usage-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A configuration that is in order. */
async function sandbox(): Promise<string> {
  const keys = await sandboxKeysIn(folder);
  const { configPath } = await writeSandboxConfig(keys, { baseUrl: 'http://127.0.0.1:9' });
  return configPath;
}

describe('help', () => {
  test('names every command and every exit code', async () => {
    const { exitCode, stdout, stderr } = await c2p(['--help']);
    for (const command of [...COMMANDS, 'bulk', ...PROCESSES])
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    for (const code of [0, 1, 2, 3, 4, 5]) expect(stdout).toContain(`${code} `);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  test.each([...COMMANDS, ...PROCESSES])('of %s has an example', async (command) => {
    const { exitCode, stdout } = await c2p([command, '--help']);
    expect(stdout).toMatch(new RegExp(`^Example:\n  .*c2p ${command}`, 'm'));
    expect(exitCode).toBe(0);
  });

  test.each(OF_BULK)('of bulk %s has an example', async (command) => {
    const { exitCode, stdout } = await c2p(['bulk', command, '--help']);
    expect(stdout).toMatch(new RegExp(`^Example:\n  .*c2p bulk ${command}`, 'm'));
    expect(exitCode).toBe(0);
  });

  test('--version is the version of the package', async () => {
    const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
    expect(await c2p(['--version'])).toMatchObject({ exitCode: 0, stdout: version });
  });
});

describe('a wrong command line exits with 2', () => {
  test.each([
    { args: ['enrol'], says: /unknown command 'enrol'\n\(Did you mean enroll\?\)/ },
    { args: ['status', 'x', '--jsn'], says: /unknown option '--jsn'[^]*c2p status --help/ },
    { args: ['enroll'], says: /missing required argument 'file'/ },
    { args: ['report', 'x', '--format', 'pdf'], says: /Allowed choices are jsonl, csv/ },
    { args: ['list', '--limit', 'all'], says: /give a whole number/ },
    { args: ['watch'], says: /^c2p: give the ids of batches, or --all or --status\.$/ },
    {
      args: ['watch', 'some-batch', '--all'],
      says: /^c2p: give the ids of batches, or --all or --status\.$/,
    },
    { args: ['watch', '--status', 'COMPLETED'], says: /Allowed choices are VALIDATING, .*ROLLING_BACK\./ },
    { args: ['list', '--status', 'DONE'], says: /Allowed choices are VALIDATING, / },
    { args: [], says: /Usage: c2p/ },
  ])('$args', async ({ args, says }) => {
    const { exitCode, stdout, stderr } = await c2p(args);
    expect(stderr).toMatch(says);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });
});

describe('what a command needs', () => {
  test.each([
    ...['status', 'watch', 'report', 'cancel', 'poll'].map((command) => [[command, 'some-batch']]),
    [['list']],
    [['worker']],
  ])('%j without a configuration exits with 2 and says how to point to one', async (args) => {
    const missing = join(folder, 'nowhere.json');
    const { exitCode, stderr } = await c2p(args, { C2P_CONFIG: missing });
    expect(stderr).toBe(
      `c2p: the configuration ${missing} cannot be used:\n  there is no such file; set C2P_CONFIG to the path of your configuration`,
    );
    expect(exitCode).toBe(2);
  });

  test.each([['list'], ['worker']])(
    '%s exits with 1 when Temporal cannot be reached, and names the address',
    async (command) => {
      const address = `127.0.0.1:${await freePort()}`;
      const { exitCode, stderr } = await c2p([command], {
        C2P_CONFIG: await sandbox(),
        TEMPORAL_ADDRESS: address,
      });
      expect(stderr).toContain(`Temporal cannot be reached at ${address}`);
      expect(exitCode).toBe(1);
    },
  );

  test('a log level exists, or the worker exits with 2', async () => {
    const { exitCode, stderr } = await c2p(['worker'], {
      C2P_CONFIG: await sandbox(),
      C2P_LOG_LEVEL: 'loud',
    });
    expect(stderr).toMatch(/^c2p: C2P_LOG_LEVEL must be one of .*info/);
    expect(exitCode).toBe(2);
  });

  test('a file that is not there exits with 2', async () => {
    const path = join(folder, 'nothing.jsonl');
    expect(await c2p(['validate', path])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(`c2p: ${path}: `) as string,
    });
  });
});

describe('c2p validate', () => {
  test('tells line, path and code of everything wrong, and exits with 2', async () => {
    const { exitCode, stdout, stderr } = await c2p(['validate', SAMPLE]);
    expect(stdout.split('\n')).toEqual([
      'line 8: cards[1].primaryAccountNumber luhn',
      'line 10: cards[0].panExpirationYear expired',
      'line 16: consumer.emailAddress format',
      'line 19: consumer.mobileNumber phone_implausible',
    ]);
    expect(stderr).toBe('30 cards: 26 valid, 4 invalid');
    expect(exitCode).toBe(2);
  });

  test('exits with 0 when every card is valid', async () => {
    const path = await writeRecords(join(folder, 'valid.jsonl'), testRecords(3));
    expect(await c2p(['validate', path])).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: '3 cards: 3 valid, 0 invalid',
    });
  });

  test('never shows a card number, also where it stands in the wrong place', async () => {
    const record = testRecord(1);
    const pan = record.cards[0]!.primaryAccountNumber;
    const path = await writeRecords(join(folder, 'misplaced.jsonl'), [
      { ...record, externalConsumerId: pan, [pan]: pan },
    ]);
    const { stdout, stderr, exitCode } = await c2p(['validate', path]);
    expect(exitCode).toBe(2);
    expect(stdout + stderr).not.toContain(pan);
  });
});

describe('starting', () => {
  const HEAVY = /node_modules\/(@temporalio\/(worker|core-bridge|client)|fastify|node-forge)\//;
  let spy: string;
  beforeAll(async () => {
    spy = join(folder, 'spy.cjs');
    await writeFile(
      spy,
      `process.on('exit', () => console.error(JSON.stringify(Object.keys(require.cache))));`,
    );
  });

  test.each([[['--help']], [['validate', SAMPLE]]])(
    '%j loads neither Temporal nor the simulator',
    async (args) => {
      const { stderr } = await c2pProcess(args, { NODE_OPTIONS: `--require=${spy}` });
      const loaded = JSON.parse(stderr.split('\n').at(-1)!) as string[];
      expect(loaded.some((path) => path.includes('node_modules/commander'))).toBe(true);
      expect(loaded.filter((path) => HEAVY.test(path))).toEqual([]);
    },
  );
});

test('progress where there is no terminal is one line a step', async () => {
  const stream = new PassThrough() as unknown as NodeJS.WriteStream & PassThrough;
  const progress = await progressPrinter(stream);
  progress.line('starting …');
  progress.line('started');
  progress.stop();
  stream.end();
  expect(await text(stream)).toBe('starting …\nstarted\n');
});
