import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { TRIGGERS } from '../../simulator/index.js';
import { RealEnvironment, type RealSite } from '../support/real-environment.js';
import { testCard, testRecord, testRecords } from '../support/records.js';
import { c2p, changeProgram, writeRecords } from './command-line.js';
import { operatorAt } from './operator.js';

const WAITS = { timeout: 30_000 };
const DECLINED = { ...testCard(9), primaryAccountNumber: TRIGGERS.cards.ISSUER_DECLINED.pan };

let environment: RealEnvironment;
let site: RealSite;

beforeAll(async () => {
  environment = await RealEnvironment.shared();
  site = await environment.site('watch');
  await changeProgram(site.configPath, (program) => {
    program.policy = { onCancel: 'leave', polling: { initial: '200ms', maximum: '1s' } };
  });
  await site.startWorker();
});
afterAll(() => environment.close());

const { run, runProcess } = operatorAt(() => site);

async function enroll(id: string, records = testRecords(2)): Promise<void> {
  const file = await writeRecords(join(site.folder, `${id}.jsonl`), records);
  expect(await run('enroll', file)).toMatchObject({ exitCode: 0 });
}

async function untilProcessing(...ids: string[]): Promise<void> {
  for (const id of ids) {
    await vi.waitFor(async () => {
      const { status } = await site.client.batch(id).progress();
      expect(status).toBe('PROCESSING');
    }, WAITS);
  }
}

/** What a running command has written to stderr so far. */
function stderrOf(command: ReturnType<typeof run>): { text: string } {
  const so = { text: '' };
  command.stderr.on('data', (chunk: Buffer) => (so.text += chunk.toString()));
  return so;
}

describe('c2p watch of several batches', () => {
  const failed = `${TRIGGERS.batches.BATCH_FAILED.externalBatchIdContains}-1`;
  const cancelled = `${TRIGGERS.batches.NEVER_TERMINAL.externalBatchIdContains}-cancelled`;
  beforeAll(async () => {
    await enroll('good');
    await enroll('half', [testRecord(1), { ...testRecord(2), cards: [DECLINED] }]);
    await enroll(failed);
    await enroll(cancelled);
    await untilProcessing(cancelled);
    await run('cancel', cancelled);
    await run('watch', 'good', 'half', failed, cancelled);
  });

  test('ends with one line a batch, in the order in which they were named', async () => {
    const { exitCode, stdout, stderr } = await run('watch', 'half', 'good');
    expect(stdout.split('\n')).toEqual([
      'batch half of program demo: COMPLETED_WITH_ERRORS · 2 cards: 1 enrolled, 1 failed',
      'batch good of program demo: COMPLETED · 2 cards: 2 enrolled',
    ]);
    expect(stderr.split('\n')).toEqual([
      'half  demo  COMPLETED_WITH_ERRORS  2 cards: 1 enrolled, 1 failed',
      'good  demo  COMPLETED              2 cards: 2 enrolled',
    ]);
    expect(exitCode).toBe(3);
  });

  test('--json is a list of what c2p status --json says of each', async () => {
    const { exitCode, stdout } = await run('watch', failed, 'good', 'good', '--json');
    const of = async (id: string) => JSON.parse((await run('status', id, '--json')).stdout) as unknown;
    expect(JSON.parse(stdout)).toEqual([await of(failed), await of('good')]);
    expect(exitCode).toBe(4);
  });

  test.each([
    { ids: ['good', 'half'], worst: 3 },
    { ids: ['half', cancelled], worst: 5 },
    { ids: [cancelled, failed, 'half'], worst: 4 },
  ])('exits with how the worst of $ids ended: $worst', async ({ ids, worst }) => {
    expect(await run('watch', ...ids)).toMatchObject({ exitCode: worst });
  });

  test('one of which is unknown exits with 2 before anything is watched', async () => {
    expect(await run('watch', 'good', 'no-such-batch', '--json')).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: "c2p: no batch 'no-such-batch' in 'demo'",
    });
  });
});

test('a batch that is terminated directly in Temporal does not end the watching of the others, and exits with 1', async () => {
  const [ended, other] = ['sim-never-terminal-ended', 'sim-never-terminal-other'];
  await enroll(ended);
  await enroll(other);
  await untilProcessing(ended, other);
  const watching = run('watch', ended, other, '--json');
  const stderr = stderrOf(watching);
  await vi.waitUntil(() => stderr.text.includes(other), WAITS);
  await site.workflow(ended).terminate();
  const told = `the workflow of batch '${ended}' of program 'demo' was terminated directly in Temporal (TERMINATED)`;
  await vi.waitUntil(() => stderr.text.includes(told), WAITS);
  await run('cancel', other);

  const { exitCode, stdout } = await watching;
  expect(JSON.parse(stdout)).toMatchObject([
    { externalBatchId: ended, status: 'PROCESSING', error: expect.stringContaining(told) as string },
    { externalBatchId: other, status: 'CANCELLED' },
  ]);
  expect(JSON.parse(stdout)).not.toHaveProperty('0.nextPollAt');
  expect(stderr.text).toMatch(new RegExp(`^${ended}  demo  TERMINATED `, 'm'));
  expect(exitCode).toBe(1);
});

test('Ctrl-C ends the watching and not the batches, and says how to go on', async () => {
  const ids = ['sim-never-terminal-a', 'sim-never-terminal-b'];
  for (const id of ids) await enroll(id);
  const watching = runProcess('watch', ...ids, '--program', 'demo');
  watching.stderr.once('data', () => watching.kill('SIGINT'));
  const { exitCode, stdout, stderr } = await watching;
  expect(stderr.split('\n').at(-1)).toBe(
    `the batches go on without you; follow them again with: c2p watch ${ids.join(' ')} --program demo`,
  );
  expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: '' });
});

describe('c2p watch of what the list holds', () => {
  const open = ['sim-never-terminal-x', 'sim-never-terminal-y'];
  let quiet: RealSite;
  let env: Record<string, string>;
  beforeAll(async () => {
    // Temporal lists the batches of all: these are found by a program of their own.
    quiet = await environment.site('quiet', { otherPrograms: ['quiet', 'empty'] });
    env = quiet.env;
    await quiet.startWorker();
    const policy = { onCancel: 'leave', polling: { initial: '200ms' } } as const;
    for (const externalBatchId of [...open, 'closed'])
      await quiet.client.enroll({ externalBatchId, program: 'quiet', records: testRecords(1), policy });
    await quiet.client.batch('closed', 'quiet').result();
  });

  test('--status and --all follow those that are open, and end when they are closed', async () => {
    // Temporal's lists lag behind by a moment.
    await vi.waitFor(async () => {
      const { stdout } = await c2p(['list', '--program', 'quiet', '--json'], env);
      const statuses = (JSON.parse(stdout) as { status: string }[]).map(({ status }) => status);
      expect(statuses.sort()).toEqual(['COMPLETED', 'PROCESSING', 'PROCESSING']);
    }, WAITS);
    const watching = [['--status', 'PROCESSING'], ['--all']].map((options) =>
      c2p(['watch', '--program', 'quiet', ...options, '--json'], env),
    );
    const stderr = watching.map(stderrOf);
    await vi.waitUntil(() => stderr.every(({ text }) => open.every((id) => text.includes(id))), WAITS);
    for (const id of open) await quiet.client.batch(id, 'quiet').cancel();
    for (const { stdout, exitCode } of await Promise.all(watching)) {
      const watched = JSON.parse(stdout) as { externalBatchId: string }[];
      expect(watched.map(({ externalBatchId }) => externalBatchId).sort()).toEqual(open);
      expect(exitCode).toBe(5);
    }
  });

  test.each([['--all'], ['--status', 'AWAITING_OPERATOR']])(
    '%s of none is no failure',
    async (...options) => {
      expect(await c2p(['watch', '--program', 'empty', ...options, '--json'], env)).toMatchObject({
        exitCode: 0,
        stdout: '[]',
        stderr: 'no batches',
      });
    },
  );
});
