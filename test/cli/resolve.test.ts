import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import { TRIGGERS } from '../../simulator/triggers.js';
import type { BatchProgress } from '../../workflows/batch/messages.js';
import { RealEnvironment, type RealSite } from '../support/real-environment.js';
import { testRecord, testRecords } from '../support/records.js';
import { PROGRAM } from '../support/rig.js';
import { c2p, changeProgram, writeRecords } from './command-line.js';
import { operatorAt, WAITS } from './operator.js';

const FOR_EVER_MS = 24 * 3_600_000;
const QUICK = { polling: { initial: '200ms', maximum: '1s' }, submission: { initial: '200ms' } };

let environment: RealEnvironment;
let site: RealSite;
/** All cards or none, where the site's own configuration keeps those that could be enrolled. */
let allOrNothing: string;

beforeAll(async () => {
  environment = await RealEnvironment.shared();
  site = await environment.site('resolve');
  site.simulator.configure({ duplicates: 'withoutBatchId' });
  allOrNothing = join(site.folder, 'all-or-nothing.config.json');
  await copyFile(site.configPath, allOrNothing);
  await changeProgram(site.configPath, (program) => (program.policy = QUICK));
  await changeProgram(
    allOrNothing,
    (program) => (program.policy = { ...QUICK, onPartialFailure: 'rollback' }),
  );
  await site.startWorker();
});
afterAll(() => environment.close());

const { run, progressOf, untilAwaitingOperator } = operatorAt(() => site);

/** Mastercard accepts the batch, its answer is lost, and it never says under which batchId it has it. */
async function lostBatch(id: string): Promise<BatchProgress> {
  site.simulator.fault({ operation: 'enroll', fault: { kind: 'dropAfter' } });
  await run('enroll', await writeRecords(join(site.folder, `${id}.jsonl`), testRecords(2)));
  return untilAwaitingOperator(id);
}

function batchIdOf(id: string): string {
  return site.simulator.accepted().find(({ externalBatchId }) => externalBatchId === id)!.batchId;
}

describe('a batch of which Mastercard does not tell the batchId', () => {
  const id = 'lost';
  let progress: BatchProgress;
  beforeAll(async () => void (progress = await lostBatch(id)));

  test('waits for an operator, and its status says what is unknown', () => {
    expect(progress).toMatchObject({
      externalBatchId: id,
      batchIds: [],
      counts: { cards: 2, pending: 2 },
      error: 'Mastercard has accepted this externalBatchId before and does not say as which batchId',
    });
  });

  test('is found by c2p list --status AWAITING_OPERATOR', async () => {
    // Temporal's lists lag behind by a moment.
    await vi.waitFor(async () => {
      const { stdout } = await run('list', '--status', 'AWAITING_OPERATOR', '--json');
      expect(JSON.parse(stdout)).toContainEqual(
        expect.objectContaining({ externalBatchId: id, status: 'AWAITING_OPERATOR' }),
      );
    }, WAITS);
  });

  test.each([
    { options: [] },
    { options: ['--batch-id', 'b', '--abandon'] },
    { options: ['--retry', '--abandon'] },
    { options: ['--batch-id', 'b', '--retry', '--abandon'] },
  ])('c2p resolve with $options exits with 2 and asks for exactly one', async ({ options }) => {
    const { exitCode, stdout, stderr } = await run('resolve', id, ...options);
    expect(stderr).toBe('c2p: give exactly one of --batch-id, --resend, --retry, --go-on and --abandon.');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });

  test('does not take --retry, since no rollback is to be decided about', async () => {
    const { exitCode, stderr } = await run('resolve', id, '--retry');
    expect(stderr).toContain('was not resolved: there is no rollback to decide about');
    expect(exitCode).toBe(2);
  });

  test('does not take a batchId that Mastercard does not know, and waits on', async () => {
    const { exitCode, stderr } = await run('resolve', id, '--batch-id', 'no-such-batch');
    expect(stderr).toBe(
      `c2p: batch '${id}' of program 'demo' was not resolved: Mastercard does not know batchId no-such-batch`,
    );
    expect(exitCode).toBe(2);
    expect(await progressOf(id)).toMatchObject({
      status: 'AWAITING_OPERATOR',
      reasons: ["an operator's answer was refused: Mastercard does not know batchId no-such-batch"],
    });
  });

  test("does not take another batch's batchId, which is given up, and completes with its own", async () => {
    const other = 'abandoned';
    await lostBatch(other);
    const foreign = await run('resolve', id, '--batch-id', batchIdOf(other));
    expect(foreign.stderr).toContain(`batchId ${batchIdOf(other)} belongs to another externalBatchId`);
    expect(foreign.exitCode).toBe(2);

    expect(await run('resolve', other, '--abandon')).toMatchObject({
      exitCode: 0,
      stderr: `batch ${other} is given up`,
    });
    const abandoned = await run('watch', other, '--json');
    expect(JSON.parse(abandoned.stdout)).toMatchObject({
      status: 'FAILED',
      counts: { cards: 2, unreported: 2 },
      error: expect.stringMatching(/^SubmissionUnresolved: .*; an operator abandoned the batch$/) as string,
    });
    expect(abandoned.exitCode).toBe(4);

    expect(await run('resolve', id, '--batch-id', batchIdOf(id))).toMatchObject({
      exitCode: 0,
      stderr: `batch ${id} goes on as Mastercard's ${batchIdOf(id)}`,
    });
    const completed = await run('watch', id, '--json');
    expect(JSON.parse(completed.stdout)).toMatchObject({
      status: 'COMPLETED',
      batchIds: [batchIdOf(id)],
      counts: { cards: 2, enrolled: 2 },
    });
    expect(completed.exitCode).toBe(0);

    expect(await run('resolve', id, '--abandon')).toMatchObject({
      exitCode: 0,
      stderr: `batch ${id} is already closed: COMPLETED`,
    });
  });
});

describe('a rollback that could not remove every card', () => {
  /** One card that is declined and two that are enrolled, and then refused removal. */
  async function stuckRollback(id: string): Promise<BatchProgress> {
    const declined = testRecord(3);
    declined.cards[0]!.primaryAccountNumber = TRIGGERS.cards.ISSUER_DECLINED.pan;
    const path = await writeRecords(join(site.folder, `${id}.jsonl`), [...testRecords(2), declined]);
    site.simulator.fault({ operation: 'deleteCard', times: 2, fault: { kind: 'status', status: 400 } });
    await c2p(['enroll', path], { ...site.env, C2P_CONFIG: allOrNothing });
    return untilAwaitingOperator(id);
  }

  test('waits for an operator, and is done with c2p resolve --retry', async () => {
    const id = 'rolled-back';
    expect(await stuckRollback(id)).toMatchObject({
      counts: { cards: 3, enrolled: 2, failed: 1 },
      error: 'CompensationFailed: 2 cards and 0 profiles could not be removed',
    });

    expect(await run('resolve', id, '--retry')).toMatchObject({
      exitCode: 0,
      stderr: `batch ${id} tries again to remove its cards`,
    });
    const { exitCode, stdout } = await run('watch', id, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'ROLLED_BACK',
      counts: { cards: 3, enrolled: 0, failed: 1, rolledBack: 2 },
    });
    expect(exitCode).toBe(5);
    expect(site.simulator.enrolledCards()).toEqual([]);
  });

  test('fails with CompensationFailed when c2p resolve --abandon gives it up', async () => {
    const id = 'given-up';
    await stuckRollback(id);
    expect(await run('resolve', id, '--abandon')).toMatchObject({
      exitCode: 0,
      stderr: `batch ${id} is given up`,
    });
    const { exitCode, stdout } = await run('watch', id);
    expect(stdout).toContain('FAILED · 3 cards: 2 enrolled, 1 failed · CompensationFailed: ');
    expect(exitCode).toBe(4);
  });
});

test('a batch whose workflow was cancelled in Temporal goes on with c2p resolve --go-on, and no other answer', async () => {
  const id = 'gone-on';
  site.simulator.configure({ processingMs: FOR_EVER_MS });
  await run('enroll', await writeRecords(join(site.folder, `${id}.jsonl`), testRecords(1)));
  await vi.waitFor(async () => expect((await progressOf(id)).status).toBe('PROCESSING'), WAITS);
  await site.temporal.workflow.getHandle(workflowIdOf({ program: PROGRAM, externalBatchId: id })).cancel();
  expect(await untilAwaitingOperator(id)).toMatchObject({ question: 'cancellation' });
  expect((await run('status', id)).stdout).toContain(
    `ACTION NEEDED: run c2p cancel ${id} (or c2p resolve ${id} --go-on)`,
  );

  const abandoned = await run('resolve', id, '--abandon');
  expect(abandoned.stderr).toContain('was not resolved: it asks whether it is to be cancelled');
  expect(abandoned.exitCode).toBe(2);
  expect(await run('resolve', id, '--go-on')).toMatchObject({ exitCode: 0, stderr: `batch ${id} goes on` });
  expect(await progressOf(id)).toMatchObject({ status: 'PROCESSING' });
  expect(await run('cancel', id, '--as', 'Ana', '--reason', 'wrong file')).toMatchObject({
    exitCode: 0,
    stderr: `batch ${id} is cancelled; follow it with: c2p watch ${id}`,
  });
  site.simulator.configure({ processingMs: 0 });
  expect((await run('watch', id)).stdout).toContain('CANCELLED');
});

test('c2p resolve of an unknown batch exits with 2', async () => {
  const { exitCode, stderr } = await run('resolve', 'no-such-batch', '--abandon');
  expect(stderr).toBe("c2p: no batch 'no-such-batch' in 'demo'");
  expect(exitCode).toBe(2);
});

test('c2p resolve without a worker exits with 1 instead of waiting for one', async () => {
  const id = 'without-worker';
  const alone = await environment.site('without-worker');
  const env = alone.env;
  await c2p(['enroll', await writeRecords(join(alone.folder, `${id}.jsonl`), testRecords(1))], env);
  const { exitCode, stderr } = await c2p(['resolve', id, '--abandon'], env);
  expect(stderr).toContain(
    `c2p: batch ${id} cannot be changed: no worker answers on task queue 'c2p-without-worker'`,
  );
  expect(exitCode).toBe(1);
});
