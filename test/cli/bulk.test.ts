import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BulkOutcome, BulkView } from '../../client/index.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { TRIGGERS } from '../../simulator/triggers.js';
import { RealEnvironment, type RealSite } from '../support/real-environment.js';
import { testRecord, testRecords } from '../support/records.js';
import { changeProgram, writeRecords } from './command-line.js';
import { operatorAt } from './operator.js';

let environment: RealEnvironment;
let site: RealSite;
const { run } = operatorAt(() => site);

beforeAll(async () => {
  environment = await RealEnvironment.shared();
  site = await environment.site('bulk', { bulk: true });
  await changeProgram(site.configPath, (program) => {
    program.policy = { polling: { initial: '200ms', maximum: '500ms' } };
    program.maxCardsPerBatch = 3;
  });
  await site.startWorker();
});
afterAll(() => environment.close());

function portfolio(name: string, records: readonly EnrollmentRecord[]): Promise<string> {
  return writeRecords(join(site.folder, 'portfolios', name), records);
}

/** The n-th record, with a card that the simulator declines. */
function declined(n: number, reason: 'PAN_INELIGIBLE' | 'UNAVAILABLE'): EnrollmentRecord {
  const { pan } = TRIGGERS.cards[reason];
  const record = testRecord(n);
  return { ...record, cards: record.cards.map((card) => ({ ...card, primaryAccountNumber: pan })) };
}

function invalid(n: number): EnrollmentRecord {
  const record = testRecord(n);
  return { ...record, consumer: { ...record.consumer, emailAddress: 'nobody' } };
}

const rowsOf = (stdout: string) =>
  stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as BulkOutcome);

describe('a portfolio with errors', () => {
  const MIXED = [
    ...testRecords(4),
    declined(5, 'PAN_INELIGIBLE'),
    declined(6, 'UNAVAILABLE'),
    invalid(7),
    testRecord(8),
  ];
  beforeAll(async () => {
    const file = await portfolio('mixed.jsonl', MIXED);
    await writeFile(file, 'no JSON\n', { flag: 'a' });
    const started = await run('bulk', 'start', file, '--wait', '--json');
    expect(JSON.parse(started.stdout)).toMatchObject({
      bulkId: 'mixed',
      program: 'demo',
      status: 'COMPLETED_WITH_ERRORS',
      counts: { cards: 8, enrolled: 5, failed: 2, invalid: 1, pending: 0 },
      rejects: 1,
    });
    expect(started.stderr).toMatch(/^COMPLETED_WITH_ERRORS · 8 cards/m);
    expect(started.exitCode).toBe(3);
  });

  test('is shown by status and by watch, which exit with 3', async () => {
    const status = await run('bulk', 'status', 'mixed');
    expect(status.stdout).toMatch(
      /^bulk job mixed of program demo: COMPLETED_WITH_ERRORS · 8 cards: 5 enrolled, 2 failed, 1 invalid · 1 row rejected/,
    );
    expect(status.stdout).toContain('rejected rows of the source: 1');
    const watch = await run('bulk', 'watch', 'mixed', '--json');
    expect((JSON.parse(watch.stdout) as BulkView).status).toBe('COMPLETED_WITH_ERRORS');
    expect([status.exitCode, watch.exitCode]).toEqual([3, 3]);
  });

  test('is reported card by card in the order of the file, with the batch in front', async () => {
    const { stdout, exitCode } = await run('bulk', 'report', 'mixed');
    const rows = rowsOf(stdout);
    expect(rows.map(({ externalCardId }) => externalCardId)).toEqual(
      MIXED.map(({ cards }) => cards[0]!.externalCardId),
    );
    expect(rows[3]).toMatchObject({ externalBatchId: 'mixed-000002', status: 'ENROLLED' });
    expect(exitCode).toBe(0);
  });

  test('is reported in part with --only, in CSV with the same columns as a batch has', async () => {
    const { stdout } = await run(
      ...['bulk', 'report', 'mixed', '--only', 'failed,invalid', '--only', 'rolled-back', '--format', 'csv'],
    );
    const rows: string[][] = parse(stdout);
    expect(rows[0]).toEqual([
      ...['externalBatchId', 'externalConsumerId', 'externalCardId', 'status', 'round', 'reason'],
      ...['details', 'srcConsumerId', 'srcDigitalCardId'],
    ]);
    expect(rows.slice(1).map((row) => [row[0], row[3], row[5]])).toEqual([
      ['mixed-000002', 'FAILED', 'PAN_INELIGIBLE'],
      ['mixed-000002', 'FAILED', 'UNAVAILABLE'],
      ['mixed-000003', 'INVALID', 'INVALID_RECORD'],
    ]);
  });

  test('has its rejects told by line, path and code, to a new file too', async () => {
    expect((await run('bulk', 'rejects', 'mixed', '--format', 'csv')).stdout).toBe(
      'line,path,code\n9,,json_malformed',
    );
    const output = join(site.folder, 'rejects.jsonl');
    expect(await run('bulk', 'rejects', 'mixed', '-o', output)).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await readFile(output, 'utf8')).toBe('{"line":9,"path":"","code":"json_malformed"}\n');
    expect(await run('bulk', 'rejects', 'mixed', '-o', output)).toMatchObject({
      exitCode: 2,
      stderr: `c2p: ${output} is there already; give --output another name.`,
    });
  });

  test('has a rerun file with the cards that may be sent again, which only its owner may read', async () => {
    const output = join(site.folder, 'portfolios', 'mixed-again.jsonl');
    const { exitCode, stdout, stderr } = await run('bulk', 'rerun', 'mixed', '--output', output);
    expect(await readFile(output, 'utf8')).toBe(`${JSON.stringify(MIXED[5])}\n`);
    expect((await stat(output)).mode & 0o777).toBe(0o600);
    expect(stderr.split('\n')).toEqual([
      `${output} has 1 card of 1 consumer: 1 FAILED UNAVAILABLE`,
      'left out: 2 cards: 1 FAILED PAN_INELIGIBLE, 1 INVALID INVALID_RECORD',
      'it holds card numbers: delete it when it is enrolled',
    ]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
  });

  test('has no rerun file of another source', async () => {
    const other = await portfolio('other.jsonl', testRecords(8).reverse());
    const output = join(site.folder, 'never.jsonl');
    const { exitCode, stderr } = await run('bulk', 'rerun', 'mixed', '-o', output, '--source', other);
    expect(stderr).toMatch(/other\.jsonl is not what the job enrolled: from line 1 on/);
    expect(exitCode).toBe(2);
    await expect(stat(output)).rejects.toThrow('ENOENT');
  });

  test('is the same job when it is started again, and another source under its id is a conflict', async () => {
    const file = join(site.folder, 'portfolios', 'mixed.jsonl');
    expect(await run('bulk', 'start', file, '--in-flight', '5')).toMatchObject({
      exitCode: 0,
      stderr: 'follow it with: c2p bulk watch mixed',
    });
    const other = await portfolio('another.jsonl', testRecords(1));
    const conflict = await run('bulk', 'start', other, '--bulk-id', 'mixed');
    expect(conflict).toMatchObject({ exitCode: 2, stdout: '' });
    expect(conflict.stderr).toMatch(/^c2p: bulk job 'mixed' of program 'demo' exists with another source/);
  });

  test('that is closed is not changed any more', async () => {
    for (const command of ['pause', 'resume', 'cancel'])
      expect(await run('bulk', command, 'mixed')).toMatchObject({
        exitCode: 0,
        stderr: 'bulk job mixed is already closed: COMPLETED_WITH_ERRORS',
      });
  });
});

describe('a job that runs', () => {
  test('is paused, changed, resumed and cancelled, and what was not sent is in the rerun file', async () => {
    const records = testRecords(60);
    const file = await portfolio('steered.jsonl', records);
    const job = ['steered', '--program', 'demo'];
    await run('bulk', 'start', file, '--in-flight', '1', '--batches-per-minute', '1');
    expect((await run('bulk', 'pause', ...job)).stderr).toMatch(/go on with: c2p bulk resume steered$/);
    expect(JSON.parse((await run('bulk', 'status', ...job, '--json')).stdout)).toMatchObject({
      status: 'PAUSED',
      limits: { maxBatchesInFlight: 1, batchesPerMinute: 1 },
      onCancel: 'finish',
    });
    const change = await run(
      ...[
        'bulk',
        'change',
        ...job,
        '--in-flight',
        '2',
        '--batches-per-minute',
        'none',
        '--on-cancel',
        'rollback',
      ],
    );
    expect(change).toMatchObject({
      exitCode: 0,
      stderr: 'bulk job steered now has maxBatchesInFlight 2, batchesPerMinute none, onCancel rollback',
    });
    expect(await run('bulk', 'change', ...job, '--in-flight', '0')).toMatchObject({ exitCode: 2 });
    // So that most of it is still to be sent when it is cancelled.
    await run('bulk', 'change', ...job, '--batches-per-minute', '1');
    expect(await run('bulk', 'rerun', ...job, '-o', 'never.jsonl')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('it is not closed; wait for it with: c2p bulk watch steered') as string,
    });
    expect((await run('bulk', 'resume', ...job)).stderr).toBe('bulk job steered goes on');
    const cancelled = await run('bulk', 'cancel', ...job, '--rollback', '--wait');
    expect(cancelled.stdout).toMatch(/^bulk job steered of program demo: CANCELLED/);
    expect(cancelled.exitCode).toBe(5);

    expect((await run('bulk', 'report', ...job, '--only', 'enrolled')).stdout).toBe('');
    const again = join(site.folder, 'steered-again.jsonl');
    const rerun = await run('bulk', 'rerun', ...job, '-o', again);
    expect(rerun.stderr).toMatch(/has 60 cards of 60 consumers: \d+ of batches that were never started/);
    expect(rowsOf(await readFile(again, 'utf8'))).toEqual(records);
  });
});

describe('what is not there, or not so, exits with 2', () => {
  test.each([
    {
      args: ['start', 'nowhere.jsonl'],
      says: /nowhere\.jsonl, cannot be reached from this machine \(ENOENT\)/,
    },
    { args: ['start', 'http://files.example/debit.csv'], says: /is not an https: URL/ },
    { args: ['start', 'a b.csv'], says: /give one with --bulk-id/ },
    { args: ['start', 'x.csv', '--in-flight', 'many'], says: /give a whole number/ },
    { args: ['start', 'x.csv', '--on-cancel', 'stop'], says: /Allowed choices are finish, rollback/ },
    { args: ['status', 'nothing'], says: /^c2p: no bulk job 'nothing' in 'demo'$/ },
    {
      args: ['report', 'mixed', '--only', 'lost'],
      says: /Allowed are enrolled, failed, invalid, rolled-back/,
    },
    { args: ['change', 'mixed'], says: /^c2p: give at least one of --in-flight/ },
    { args: ['cancel', 'mixed', '--finish', '--rollback'], says: /^c2p: give either --finish or --rollback/ },
    { args: ['rerun', 'mixed'], says: /required option '-o, --output <file>' not specified/ },
    { args: ['rerun', 'nothing', '-o', 'x.jsonl'], says: /no bulk job 'nothing'/ },
  ])('$args', async ({ args, says }) => {
    const { exitCode, stdout, stderr } = await run('bulk', ...args);
    expect(stderr).toMatch(says);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });
});
