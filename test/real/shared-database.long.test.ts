import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Blob } from '../../enrollment/blobs.js';
import { cardKeysOf } from '../../enrollment/records.js';
import type { Finding } from '../../doctor/index.js';
import { TRIGGERS } from '../../simulator/index.js';
import { c2p, c2pProcess } from '../cli/command-line.js';
import { providePostgres, query, type TestPostgres } from '../support/postgres.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';
import { testCard, testRecord } from '../support/records.js';

let environment: RealEnvironment;
let postgres: TestPostgres;
beforeAll(async () => {
  [environment, postgres] = await Promise.all([RealEnvironment.start(), providePostgres()]);
});
afterAll(async () => {
  await environment.close();
  await postgres.close();
});

const declined = { ...testCard(300), primaryAccountNumber: TRIGGERS.cards.PAN_INELIGIBLE.pan };
const RECORDS = [testRecord(1), testRecord(2, 2), { ...testRecord(3), cards: [declined] }];

function enroll(site: RealSite, externalBatchId: string) {
  const policy = { polling: { initial: '1s' } };
  return site.client.enroll({ externalBatchId, program: PROGRAM, records: RECORDS, policy });
}

describe.concurrent('on one PostgreSQL database', { timeout: 150_000 }, () => {
  test('two workers share the batches, and one finishes them when the other is killed', async () => {
    const url = await postgres.storeDatabase();
    const site = await environment.site('shared', { storeUrl: url, processingMs: 500 });
    const mortal = await site.startWorker(`after put ${Blob.cards}`);
    const batches = [await enroll(site, 'b-0')];
    // It has taken that batch, whatever becomes of the next ones.
    await mortal.stalled();
    const survivor = await site.startWorker();
    for (let i = 1; i < 6; i += 1) batches.push(await enroll(site, `b-${i}`));
    await mortal.kill();

    for (const batch of batches) {
      await site.workflow(batch.externalBatchId).result();
      expect(await batch.result()).toMatchObject({
        status: 'COMPLETED_WITH_ERRORS',
        counts: { cards: 4, enrolled: 3, failed: 1 },
      });
      expect(await site.blobs(batch.externalBatchId)).toEqual([Blob.closed, Blob.offered(1), Blob.outcomes]);
    }
    const accepted = site.simulator.accepted().map(({ externalBatchId }) => externalBatchId);
    expect(accepted.sort()).toEqual(['b-0', 'b-1', 'b-2', 'b-3', 'b-4', 'b-5']);

    for (const batch of batches) {
      const rows = await query(
        url,
        `select external_consumer_id, external_card_id, status, reason from c2p.outcomes
         where program = 'demo' and external_batch_id = '${batch.externalBatchId}'
         order by external_consumer_id, external_card_id`,
      );
      const outcomes = await batch.outcomes();
      expect(rows).toHaveLength(cardKeysOf(RECORDS).length);
      expect(rows).toEqual(
        outcomes.map(({ externalConsumerId, externalCardId, status, reason }) => ({
          external_consumer_id: externalConsumerId,
          external_card_id: externalCardId,
          status,
          reason: reason ?? null,
        })),
      );
    }
    const { externalConsumerId, cards } = RECORDS[0]!;
    const pan = cards[0]!.primaryAccountNumber;
    const everything = JSON.stringify([
      await query(url, `select program, external_batch_id, ref, encode(sealed, 'escape') from c2p.blobs`),
      await query(url, 'select * from c2p.outcomes'),
    ]);
    expect(everything).toContain(externalConsumerId);
    expect(everything).not.toContain(pan);
    await survivor.stop();
  });

  test('c2p store migrate makes the tables, without which no worker starts', async () => {
    const url = await postgres.emptyDatabase();
    const site = await environment.site('migrated', { storeUrl: url });
    const env = { C2P_CONFIG: site.configPath, TEMPORAL_ADDRESS: environment.address, C2P_STORE_URL: url };
    const store = async () => {
      const { stdout } = await c2p(['doctor', '--json'], env);
      return (JSON.parse(stdout) as Finding[]).filter(({ check }) => /^(store|free)/.test(check));
    };

    const early = await c2pProcess(['worker'], env);
    expect(early.stderr).toMatch(/lacks blobs and outcomes; run: c2p store migrate/);
    expect(early.exitCode).toBe(2);
    expect(await store()).toMatchObject([{ status: 'failed' }, { status: 'skipped' }, { status: 'skipped' }]);

    const first = await c2p(['store', 'migrate'], env);
    expect(first).toMatchObject({ exitCode: 0, stdout: '1  blobs and outcomes' });
    expect(first.stderr).toMatch(/^127\.0\.0\.1:\d+\/c2p_test_\w+: 1 migration applied$/);
    expect(await c2p(['store', 'migrate'], env)).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await store()).toMatchObject([
      {
        check: 'store',
        status: 'ok',
        found: expect.stringMatching(/^127[^@]+: a blob was sealed/) as string,
      },
      { check: 'free-space', status: 'skipped' },
      { check: 'store-keys', status: 'ok' },
    ]);
    expect(await query(url, 'select * from c2p.blobs')).toEqual([]);
    await site.startWorker();
  });

  test('a worker or command without the URL says which field names the variable, and not its name', async () => {
    const site = await environment.site('without', { storeUrl: await postgres.emptyDatabase() });
    const env = site.env;
    for (const command of [['worker'], ['list'], ['keys', 'list'], ['store', 'migrate']]) {
      const { stderr, exitCode } = await c2p(command, env);
      expect(stderr, command[0]).toMatch(/store\.urlEnv: the environment variable that it names is not set/);
      expect(stderr).not.toContain('C2P_STORE_URL');
      expect(exitCode).toBe(2);
    }
  });
});
