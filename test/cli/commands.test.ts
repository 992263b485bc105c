import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { RealEnvironment, type RealSite } from '../support/real-environment.js';
import { testRecord, testRecords } from '../support/records.js';
import { changeProgram, writeRecords } from './command-line.js';
import { operatorAt } from './operator.js';

const example = (name: string) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
const SAMPLE = example('cards.jsonl');

let environment: RealEnvironment;
let site: RealSite;

beforeAll(async () => {
  environment = await RealEnvironment.shared();
  site = await environment.site('cli');
  await changeProgram(site.configPath, (program) => {
    // Else cancelling would wait for what Mastercard never answers here.
    program.policy = { onCancel: 'leave', polling: { initial: '200ms', maximum: '1s' } };
    program.maxCardsPerBatch = 3_000;
  });
  await site.startWorker();
});
afterAll(() => environment.close());

const { run, runProcess } = operatorAt(() => site);

function file(name: string, records: readonly EnrollmentRecord[]): Promise<string> {
  return writeRecords(join(site.folder, name), records);
}

describe('c2p enroll', () => {
  test.each([
    ['JSONL', SAMPLE],
    ['CSV', example('cards.csv')],
  ])(
    '--wait --json of a %s file prints one JSON document and exits with 3 for errors',
    async (kind, path) => {
      const id = `sample-${kind}`;
      const { exitCode, stdout, stderr } = await run('enroll', path, '--batch-id', id, '--wait', '--json');
      expect(JSON.parse(stdout)).toMatchObject({
        externalBatchId: id,
        program: 'demo',
        status: 'COMPLETED_WITH_ERRORS',
        batchIds: [expect.any(String)],
        counts: { cards: 30, pending: 0, enrolled: 22, failed: 4, invalid: 4 },
      });
      expect(stderr).toMatch(/^COMPLETED_WITH_ERRORS · 30 cards: 22 enrolled, 4 failed, 4 invalid/m);
      expect(exitCode).toBe(3);
    },
  );

  test('exits with 0 when every card is enrolled', async () => {
    const path = await file('all-good.jsonl', testRecords(2));
    const { exitCode, stdout } = await run('enroll', path, '--wait');
    expect(stdout).toMatch(/^batch all-good of program demo: COMPLETED · 2 cards: 2 enrolled/);
    expect(exitCode).toBe(0);
  });

  test('a second time is the same batch, and nothing is sent again', async () => {
    const path = await file('twice.jsonl', testRecords(1));
    const first = await run('enroll', path, '--program', 'demo', '--wait', '--json');
    const second = await run('enroll', path, '--program', 'demo', '--wait', '--json');
    expect(second).toMatchObject({ exitCode: 0, stdout: first.stdout });
    expect(
      site.simulator.accepted().find(({ externalBatchId }) => externalBatchId === 'twice'),
    ).toMatchObject({ offers: [{ accepted: true }] });
  });

  test('of other records under the same id exits with 2 and says what to do', async () => {
    const id = ['--batch-id', 'conflict'];
    await run('enroll', await file('these.jsonl', testRecords(1)), ...id);
    const { exitCode, stderr } = await run('enroll', await file('others.jsonl', testRecords(2)), ...id);
    expect(stderr).toBe(
      "c2p: batch 'conflict' of program 'demo' exists with other records; send these records under an externalBatchId of their own",
    );
    expect(exitCode).toBe(2);
  });

  test('without --wait returns while the batch is open', async () => {
    const path = await file('sim-never-terminal-open.jsonl', testRecords(1));
    const { exitCode, stdout, stderr } = await run('enroll', path, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ externalBatchId: 'sim-never-terminal-open' });
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
  });

  test('asks for --batch-id where the name of the file cannot be one', async () => {
    const path = join(site.folder, 'cards of today.jsonl');
    await copyFile(SAMPLE, path);
    const { exitCode, stderr } = await run('enroll', path);
    expect(stderr).toContain('give one with --batch-id');
    expect(exitCode).toBe(2);
  });
});

describe('a batch that did not go well', () => {
  test('FAILED exits with 4', async () => {
    const path = await file('sim-batch-failed.jsonl', testRecords(1));
    const { exitCode, stdout } = await run('enroll', path, '--wait');
    // The workflow, which counts the polls, answers until it has ended; then the store does.
    expect(stdout).toMatch(
      /FAILED · 1 card: 1 unreported · (\d+ polls? · )?BatchFailed: Mastercard ended the batch as FAILED/,
    );
    expect(exitCode).toBe(4);
    expect(await run('status', 'sim-batch-failed')).toMatchObject({ exitCode: 4 });
  });

  test('REJECTED, since no card is valid, exits with 4', async () => {
    const path = await file('all-invalid.jsonl', [{ ...testRecord(1), cards: [] }]);
    const { exitCode, stdout } = await run('enroll', path, '--wait');
    expect(stdout).toContain('REJECTED · 1 card: 1 invalid');
    expect(exitCode).toBe(4);
  });

  test('CANCELLED exits with 5, and stays so', async () => {
    const id = 'sim-never-terminal-cancelled';
    await run('enroll', await file(`${id}.jsonl`, testRecords(1)));
    const cancelled = await run('cancel', id);
    expect(cancelled).toMatchObject({ exitCode: 0, stdout: '' });
    expect(cancelled.stderr).toContain(`c2p watch ${id}`);
    const watched = await run('watch', id, '--json');
    expect(JSON.parse(watched.stdout)).toMatchObject({ status: 'CANCELLED', counts: { unreported: 1 } });
    expect(watched.exitCode).toBe(5);
    expect(await run('cancel', id)).toMatchObject({
      exitCode: 0,
      stderr: `batch ${id} is already closed: CANCELLED`,
    });
  });

  test('terminated directly in Temporal exits with 1, and still shows its batchId', async () => {
    const id = 'sim-never-terminal-terminated';
    await run('enroll', await file(`${id}.jsonl`, testRecords(1)));
    await vi.waitFor(async () => expect((await run('status', id)).stdout).toContain('PROCESSING'), {
      timeout: 20_000,
    });
    await site.workflow(id).terminate();
    const { exitCode, stdout, stderr } = await run('status', id);
    expect(stdout).toMatch(/^ {2}Mastercard batchId \S+$/m);
    expect(stderr).toContain('was terminated directly in Temporal (TERMINATED)');
    expect(exitCode).toBe(1);
  });
});

describe('looking at a batch', () => {
  const id = 'sample';
  beforeAll(async () => void (await run('enroll', SAMPLE, '--batch-id', id, '--wait')));

  test('status says how it ended, with its exit code', async () => {
    const { exitCode, stdout } = await run('status', id);
    expect(stdout.split('\n')).toEqual([
      `batch ${id} of program demo: COMPLETED_WITH_ERRORS · 30 cards: 22 enrolled, 4 failed, 4 invalid`,
      expect.stringMatching(/^ {2}Mastercard batchId \S+$/),
      '  4 declined by Mastercard',
      '  4 invalid and not sent',
    ]);
    expect(exitCode).toBe(3);
  });

  test('status --json and watch --json of a closed batch are the same document', async () => {
    const status = await run('status', id, '--json');
    expect(await run('watch', id, '--json')).toMatchObject({ exitCode: 3, stdout: status.stdout });
  });

  test('report gives every card, as JSONL and as CSV', async () => {
    const jsonl = await run('report', id);
    const csv = await run('report', id, '--format', 'csv');
    const outcomes = jsonl.stdout.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    const rows = parse<Record<string, string>>(csv.stdout, { columns: true });
    expect(outcomes).toHaveLength(30);
    expect(outcomes).toContainEqual(
      expect.objectContaining({ externalCardId: 'card-0007', status: 'FAILED', reason: 'PAN_INELIGIBLE' }),
    );
    expect(rows.map(({ externalCardId, status }) => [externalCardId, status])).toEqual(
      outcomes.map(({ externalCardId, status }) => [externalCardId, status]),
    );
    expect([jsonl.exitCode, csv.exitCode, jsonl.stderr]).toEqual([0, 0, '']);
  });

  test('list --json tells program, status and counts', async () => {
    const summary = {
      externalBatchId: id,
      program: 'demo',
      cards: 30,
      failedCards: 8,
      execution: 'COMPLETED',
    };
    // Temporal's lists lag behind by a moment.
    await vi.waitFor(
      async () => {
        const { stdout } = await run('list', '--status', 'COMPLETED_WITH_ERRORS', '--json');
        expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining(summary));
      },
      { timeout: 20_000 },
    );
  });

  test('poll makes it ask Mastercard now', async () => {
    const id = 'sim-never-terminal-poll';
    await changeProgram(
      site.configPath,
      (program) => (program.policy = { polling: { initial: '1h', maximum: '1h' } }),
    );
    await run('enroll', await file(`${id}.jsonl`, testRecords(1)));
    const shown = async () =>
      JSON.parse((await run('status', id, '--json')).stdout) as {
        polling?: { polls: number };
        nextPollAt?: string;
      };
    const polls = async () => (await shown()).polling?.polls;
    await vi.waitFor(async () => expect(await shown()).toHaveProperty('nextPollAt'), { timeout: 20_000 });
    expect(await polls()).toBe(0);
    expect(await run('poll', id)).toMatchObject({ exitCode: 0, stderr: `batch ${id} polls now` });
    await vi.waitFor(async () => expect(await polls()).toBe(1), { timeout: 20_000 });
  });

  test.each(['status', 'watch', 'report', 'cancel', 'poll'])(
    '%s of an unknown batch exits with 2',
    async (command) => {
      const { exitCode, stdout, stderr } = await run(command, 'no-such-batch');
      expect({ exitCode, stdout, stderr }).toEqual({
        exitCode: 2,
        stdout: '',
        stderr: "c2p: no batch 'no-such-batch' in 'demo'",
      });
    },
  );

  test('Ctrl-C ends watching quietly, and not the batch', async () => {
    const id = 'sim-never-terminal-watched';
    await run('enroll', await file(`${id}.jsonl`, testRecords(1)));
    const watching = runProcess('watch', id);
    watching.stderr.once('data', () => watching.kill('SIGINT'));
    const { exitCode, stdout, stderr } = await watching;
    expect(stderr.split('\n').at(-1)).toBe(
      `the batch goes on without you; follow it again with: c2p watch ${id}`,
    );
    expect(stderr).not.toContain('Error');
    expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: '' });
  });
});

describe('a report larger than a pipe holds', () => {
  const CARDS = 3_000;
  beforeAll(async () => {
    const records = Array.from({ length: CARDS }, (_, n) => ({ ...testRecord(n), consumer: {} as never }));
    await run('enroll', await file('large.jsonl', records), '--wait');
  });

  test('reaches the reader whole', async () => {
    const { stdout } = await runProcess('report', 'large');
    expect(stdout.length).toBeGreaterThan(1_000_000);
    expect(stdout.split('\n')).toHaveLength(CARDS);
  });

  test('ends quietly when the reader has had enough', async () => {
    const report = runProcess('report', 'large');
    report.stdout.once('data', () => report.stdout.destroy());
    expect(await report).toMatchObject({ exitCode: 0, stderr: '' });
  });
});
