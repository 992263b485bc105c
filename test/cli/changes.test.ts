import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BatchProgress } from '../../workflows/batch/messages.js';
import { RealEnvironment, type RealSite } from '../support/real-environment.js';
import { testRecords } from '../support/records.js';
import { changeProgram, writeRecords } from './command-line.js';
import { operatorAt } from './operator.js';

const FOR_EVER_MS = 24 * 3_600_000;

let environment: RealEnvironment;
let site: RealSite;
beforeAll(async () => {
  environment = await RealEnvironment.shared();
  site = await environment.site('changes', { processingMs: FOR_EVER_MS });
  await changeProgram(site.configPath, (program) => {
    program.policy = {
      onPollingDeadline: 'askOperator',
      polling: { initial: '200ms', maximum: '1s', deadline: '1s' },
    };
  });
  await site.startWorker();
});
afterAll(() => environment.close());

const { run, progressOf, untilAwaitingOperator } = operatorAt(() => site);

/** A batch with which Mastercard is not done at its polling deadline. */
async function lateBatch(id: string): Promise<BatchProgress> {
  await run('enroll', await writeRecords(join(site.folder, `${id}.jsonl`), testRecords(1)));
  return untilAwaitingOperator(id);
}

describe('a batch that asks for more time', () => {
  test('says what it waits for, and ends EXPIRED when c2p resolve --abandon gives it up', async () => {
    const id = 'given-up';
    expect(await lateBatch(id)).toMatchObject({
      question: 'moreTime',
      error: expect.stringMatching(/^PollingDeadlineExceeded: batchId .* was not terminal/) as string,
    });

    expect(await run('resolve', id, '--abandon')).toMatchObject({ exitCode: 0 });
    const { exitCode, stdout } = await run('watch', id);
    // The workflow, which counts the polls, answers until it has ended; then the store does.
    expect(stdout).toMatch(/EXPIRED · 1 card: 1 unreported · (\d+ polls? · )?PollingDeadlineExceeded: /);
    expect(exitCode).toBe(4);
  });

  test('gets it with c2p extend, and its policy is shown and changed by c2p policy', async () => {
    const id = 'extended';
    await lateBatch(id);
    const { exitCode, stderr } = await run('extend', id, '--by', '2h');
    expect(stderr).toMatch(/^batch extended is polled until \d{4}-\d\d-\d\dT/);
    expect(exitCode).toBe(0);
    expect(await progressOf(id)).toMatchObject({ status: 'PROCESSING' });

    const shown = await run('policy', id);
    expect(JSON.parse(shown.stdout)).toMatchObject({ onCancel: 'rollback', polling: { deadline: 1_000 } });
    const changed = await run('policy', id, 'onCancel=leave', 'polling.maximum=5m', 'polling.coefficient=2');
    expect(changed).toMatchObject({
      exitCode: 0,
      stderr: `batch ${id} now has onCancel=leave polling.maximum=5m polling.coefficient=2`,
    });
    expect(await progressOf(id)).toMatchObject({
      policy: { onCancel: 'leave', polling: { maximum: 300_000, coefficient: 2 } },
    });

    await run('cancel', id);
    expect((await run('watch', id)).stdout).toContain('CANCELLED · 1 card: 1 unreported');
    expect(await run('extend', id, '--by', '2h')).toMatchObject({
      exitCode: 0,
      stderr: `batch ${id} is already closed: CANCELLED`,
    });
  });
});

describe('what cannot be changed', () => {
  const id = 'unchanged';
  beforeAll(() => lateBatch(id));
  afterAll(() => run('resolve', id, '--abandon'));

  test.each<[string[], string]>([
    [['extend', id], 'give either --by or --until.'],
    [['extend', id, '--by', '1h', '--until', '2099-01-01'], 'give either --by or --until.'],
    [['extend', id, '--by', 'long'], 'give a duration such as 1h or 2d.'],
    [['extend', id, '--until', 'tomorrow'], 'give a time such as 2026-12-01T06:00Z.'],
    [['extend', id, '--until', '2020-01-01'], 'was not changed: the polling deadline is 20'],
    [['policy', id, 'onCancel'], 'give changes as in polling.maximum=5m'],
    [['policy', id, 'onCancel=sometimes'], 'the policy is not usable: onCancel'],
    [['policy', id, 'onInvalidRecords=rejectBatch'], 'was not changed: onInvalidRecords cannot change'],
    [['policy', id, 'polling.initial=30m'], 'was not changed: polling.initial is longer than'],
    [['policy', 'no-such-batch', 'onCancel=leave'], "no batch 'no-such-batch' in 'demo'"],
  ])('c2p %j exits with 2 and says why', async (args, message) => {
    const { exitCode, stdout, stderr } = await run(...args);
    expect(stderr).toContain(message);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });
});
