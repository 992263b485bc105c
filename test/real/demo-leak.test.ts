import { appendFile, cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { cardNumberNeedles, clearNeedle, filesBelow, findLeaks } from '../support/leak-search.js';

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

function cardNumbers() {
  return records
    .flatMap(({ cards }) => cards)
    .flatMap((card) => cardNumberNeedles(card.externalCardId, card.primaryAccountNumber));
}

function emailAddresses() {
  return records.map(({ externalConsumerId, consumer }) =>
    clearNeedle(externalConsumerId, consumer.emailAddress),
  );
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
    expect(demo.stdout).toContain('ENROLLED: 22\n');
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

  test('leaves no card number anywhere, be it in clear, in base64, in hex or in groups', async () => {
    expect(cardNumbers()).toHaveLength(30 * 7);
    expect(findLeaks(await everythingWritten(), cardNumbers())).toEqual([]);
  });

  test('leaves no e-mail address anywhere in clear', async () => {
    expect(findLeaks(await everythingWritten(), emailAddresses())).toEqual([]);
  });
});

describe('the search for card numbers', () => {
  const FORMS: Record<string, (number: string) => string> = {
    clear: (number) => number,
    'base64 at 0': (number) => Buffer.from(`abc${number}xyz`).toString('base64'),
    'base64 at 1': (number) => Buffer.from(`a${number}xy`).toString('base64url'),
    'base64 at 2': (number) => Buffer.from(`abcde${number}`).toString('base64'),
    hex: (number) => Buffer.from(`"${number}"`).toString('hex').toUpperCase(),
    'spaces between groups': (number) => number.replace(/(.{4})(?=.)/g, '$1 '),
    'dashes between groups': (number) => number.replace(/(.{4})(?=.)/g, '$1-'),
  };

  test.each(Object.keys(FORMS))('finds a number that was planted in a copy in the form: %s', async (form) => {
    const copy = join(root, form);
    await cp(folder, copy, { recursive: true });
    const card = records[4]?.cards[0];
    const planted = FORMS[form]?.(card?.primaryAccountNumber ?? '');
    await appendFile(join(copy, 'temporal.db'), `\0\u0001${planted}\0`);
    expect(findLeaks(await filesBelow(copy), cardNumbers())).toEqual([
      { where: 'temporal.db', of: card?.externalCardId, form },
    ]);
  });
});
