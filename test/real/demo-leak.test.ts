import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { clearNeedle, filesBelow, findLeaks, needlesOf, type Needle } from '../support/leak-search.js';

const DEMO = fileURLToPath(new URL('../../dist/dev/demo.js', import.meta.url));
const SAMPLE = fileURLToPath(new URL('../../examples/cards.jsonl', import.meta.url));

let root: string;
let folder: string;
let records: EnrollmentRecord[];
let demo: { exitCode?: number | undefined; stdout: string; stderr: string };

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'c2p-leak-'));
  folder = join(root, 'demo');
  const lines = (await readFile(SAMPLE, 'utf8')).trim().split('\n');
  records = lines.map((line) => JSON.parse(line) as EnrollmentRecord);
  demo = await execa(process.execPath, [DEMO, '--folder', folder], {
    env: { TEMPORAL_ADDRESS: undefined },
    stdin: 'ignore',
    reject: false,
  });
}, 240_000);
afterAll(() => rm(root, { recursive: true, force: true }));

function cardholderData(): Needle[] {
  return records.flatMap(({ externalConsumerId: of, consumer, cards }) => [
    ...cards.flatMap((card) => needlesOf(card.externalCardId, card.primaryAccountNumber)),
    ...needlesOf(of, consumer.emailAddress),
  ]);
}

/** Everything that the demo wrote: its files, its keys among them, and its output. */
async function everythingWritten() {
  const output = { name: 'stdout and stderr', bytes: Buffer.from(demo.stdout + demo.stderr, 'utf8') };
  return [...(await filesBelow(folder)), output];
}

describe('the demo', () => {
  test('exits with 0 and reports what became of every card', () => {
    expect(demo).toMatchObject({ exitCode: 0 });
    expect(demo.stdout).toContain('COMPLETED_WITH_ERRORS · 30 cards: 22 enrolled, 4 failed, 4 invalid');
    expect(demo.stdout).toContain('\n\nENROLLED: 22\n');
    expect(demo.stdout).toMatch(/^ {2}cust-0006 card-0007 +PAN_INELIGIBLE/m);
    expect(demo.stdout).toMatch(
      /^ {2}cust-0008 card-0010 +INVALID_RECORD +cards\[1\].primaryAccountNumber luhn$/m,
    );
  });

  test('leaves its database, its logs and its store behind, to be searched', async () => {
    const files = await everythingWritten();
    expect(files.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'temporal.db',
        'temporal.log',
        'worker.log',
        'data/demo/demo-0001/closed.sealed',
        'data/demo/demo-0001/outcomes.sealed',
      ]),
    );
    // What is not secret is found there, so the database does hold the batch.
    expect(findLeaks(files, [clearNeedle('id', 'demo-0001')])).toContainEqual(
      expect.objectContaining({ where: 'temporal.db' }),
    );
  });

  test('leaves no card number and no e-mail address anywhere', async () => {
    expect(findLeaks(await everythingWritten(), cardholderData())).toEqual([]);
  });
});
