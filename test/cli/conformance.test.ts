import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { writeSandboxConfig, type Sandbox } from '../../dev/sandbox.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import { deviating, type DeviationName } from '../../simulator/deviations.js';
import { createSimulator, TRIGGERS, type Simulator } from '../../simulator/index.js';
import { testRecord } from '../support/records.js';
import { sandboxKeysIn } from '../support/sandbox-keys.js';
import { tickingSimulator } from '../support/ticking-simulator.js';
import { c2p } from './command-line.js';

let folder: string;
let sandbox: Omit<Sandbox, 'configPath'>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-conformance-'));
  sandbox = await sandboxKeysIn(folder);
});
afterAll(() => rm(folder, { recursive: true }));

async function conformance(deviation: DeviationName | undefined, ...args: string[]) {
  const simulator: Simulator = await tickingSimulator({
    credentials: [sandbox.credentials],
    ...(deviation && deviating(deviation)),
  });
  onTestFinished(() => simulator.close());
  const { configPath } = await writeSandboxConfig(sandbox, { baseUrl: simulator.baseUrl });
  const own = args.includes('--transcript') ? [] : ['--transcript', join(folder, `${randomUUID()}.txt`)];
  const ran = await c2p(['conformance', '--poll', '10ms', '--for', '5s', ...own, ...args], {
    C2P_CONFIG: configPath,
  });
  return { ...ran, simulator };
}

test('c2p conformance says of each assumption what it saw, removes its cards, and exits with 0 where nothing is contradicted', async () => {
  const { exitCode, stdout, stderr, simulator } = await conformance(undefined, '--yes');
  expect(exitCode).toBe(0);
  const lines = stdout.split('\n');
  expect(lines).toHaveLength(Object.keys(batchEnroll.assumptions).length);
  expect(lines).toContain('confirmed     N  enrollPath         A batch is submitted with POST /cards/batch');
  expect(stderr).toMatch(/assumptions: \d+ confirmed, 0 contradicted, \d not seen$/);
  expect(stderr).toContain(
    'Enroll 1 test card as one batch, and send it twice.\n  The cards are in Click to Pay',
  );
  expect(simulator.accepted()).toMatchObject([{ cards: 1 }]);
  expect(simulator.enrolledCards()).toEqual([]);
});

test('a contradiction says what came and which member of which module to change, and exits with 1', async () => {
  const { exitCode, stdout } = await conformance('inProgress', '--yes');
  expect(exitCode).toBe(1);
  expect(stdout).toContain(
    [
      'CONTRADICTED  P  inProgress         A batch that is being processed is IN_PROGRESS',
      '                 came: PROCESSING',
      '                 change: status.states in an API module of your own (docs/api-module.md)',
    ].join('\n'),
  );
});

test('--json prints one document', async () => {
  const { exitCode, stdout } = await conformance('statusPath', '--yes', '--json');
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    program: 'demo',
    api: 'batch-enroll',
    left: [expect.any(String)],
  });
});

test('the transcript has every call, and nothing of the records but the ids', async () => {
  const record = testRecord(7, 2);
  record.consumer.firstName = 'Zebulon';
  record.cards[1]!.primaryAccountNumber = TRIGGERS.cards.PAN_INELIGIBLE.pan;
  const file = join(folder, 'cards.jsonl');
  await writeFile(file, JSON.stringify(record));
  const transcript = join(folder, 'transcript.txt');
  const { exitCode, simulator } = await conformance(
    undefined,
    '--yes',
    '--file',
    file,
    '--transcript',
    transcript,
  );
  expect(exitCode).toBe(0);
  const text = await readFile(transcript, 'utf8');
  expect(text.match(/^> (?:GET|POST|DELETE) /gm)).toHaveLength(simulator.requests().length);
  expect(text).toContain('# Enroll 2 test cards as one batch, and send it twice');
  expect(text).toMatch(/"enrollmentData": "\(a JWE of \d+ characters\)"/);
  expect(text).toContain('PAN_INELIGIBLE');
  expect(text).toContain('cust-7');
  for (const { primaryAccountNumber } of record.cards) expect(text).not.toContain(primaryAccountNumber);
  for (const value of ['Zebulon', 'Example7', 'consumer7@example.com', '2015550123', 'OAuth', 'eyJ'])
    expect(text).not.toContain(value);
});

test('what came of a session is printed also where its transcript cannot be kept', async () => {
  const place = await mkdtemp(join(folder, 'gone-'));
  const simulator = await createSimulator({
    credentials: [sandbox.credentials],
    processingMs: 0,
    logger: { info: () => rmSync(place, { recursive: true, force: true }) },
  });
  onTestFinished(() => simulator.close());
  const { configPath } = await writeSandboxConfig(sandbox, { baseUrl: simulator.baseUrl });
  const args = ['conformance', '--yes', '--poll', '10ms', '--transcript', join(place, 't.txt')];
  const { exitCode, stderr } = await c2p(args, { C2P_CONFIG: configPath });
  expect(exitCode).toBe(0);
  expect(stderr).toContain('the transcript is lost: ');
  expect(stderr).toContain('0 contradicted');
});

test('without a terminal and without --yes it sends nothing', async () => {
  const { exitCode, stderr, simulator } = await conformance(undefined);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('give --yes');
  expect(simulator.requests()).toEqual([]);
});

test('production is refused, unless it is asked for', async () => {
  const { configPath } = await writeSandboxConfig(sandbox, {
    baseUrl: 'https://api.mastercard.com/src/api/digital/payments',
  });
  const { exitCode, stderr } = await c2p(['conformance', '--yes'], { C2P_CONFIG: configPath });
  expect(exitCode).toBe(2);
  expect(stderr).toContain("is Mastercard's production; give --production");
});

test('test cards that are not valid are refused before anything is sent', async () => {
  const file = join(folder, 'bad.jsonl');
  await writeFile(file, '{"externalConsumerId":"c"}');
  const { exitCode, stderr, simulator } = await conformance(undefined, '--yes', '--file', file);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`see: c2p validate ${file}`);
  expect(simulator.requests()).toEqual([]);
});
