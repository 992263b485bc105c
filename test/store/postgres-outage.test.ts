import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeyRing } from '../../protection/key-ring.js';
import { PostgresStore } from '../../store/postgres-store.js';
import { placeOf, PostgresServer, query } from '../support/postgres.js';
import { until } from '../support/until.js';

const BATCH = { program: 'demo', externalBatchId: 'B.1' };
const keyRing = KeyRing.parse(KeyRing.generate(), 'test');

let server: PostgresServer;
let url: string;
let store: PostgresStore;
beforeAll(async () => {
  server = await PostgresServer.start();
  url = await server.storeDatabase();
  store = new PostgresStore({ place: placeOf(url), keyRing });
});
afterAll(async () => {
  await store.close();
  await server.close();
});

/** As many connections of the pool as there may be. */
function putMany(text: string): Promise<unknown> {
  return Promise.all(Array.from({ length: 40 }, (_, i) => store.put(BATCH, `blob-${i}`, Buffer.from(text))));
}

async function read(ref: string): Promise<string> {
  return Buffer.from(await store.get(BATCH, ref)).toString();
}

describe('a store whose connections are lost', () => {
  it('works on when the server ended all of them', async () => {
    await putMany('first');
    await query(url, `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'c2p'`);
    await putMany('second');
    expect(await read('blob-39')).toBe('second');
  });

  it('repeats by itself what was under way on one of them', async () => {
    await store.put(BATCH, 'held', Buffer.from('before'));
    const holder = new pg.Client({ connectionString: url });
    await holder.connect();
    await holder.query(`begin; select from c2p.blobs where ref = 'held' for update`);
    const put = store.put(BATCH, 'held', Buffer.from('after'));
    const ended = `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'c2p' and wait_event_type = 'Lock'`;
    await until(async () => (await query(url, ended)).length === 1);
    await holder.end();
    await put;
    expect(await read('held')).toBe('after');
  });

  it('says so while the server is away, and works on once it is back, having lost nothing', async () => {
    await putMany('kept');
    await server.crash();
    await expect(store.get(BATCH, 'blob-0')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(
        /^cannot read demo\/B\.1\/blob-0 in PostgreSQL at 127\.0\.0\.1:\d+\/c2p_test_\w+: PostgreSQL does not answer, .+ \(ECONNREFUSED\)$/,
      ) as string,
    });
    await expect(store.checkReady()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await server.startAgain();
    expect(await read('blob-0')).toBe('kept');
    await putMany('after');
    expect(await read('blob-39')).toBe('after');
  });

  it('either keeps the whole of what was under way or says that it may not have', async () => {
    const large = Buffer.alloc(500_000, 7);
    const writes = Array.from({ length: 30 }, (_, i) =>
      store.put(BATCH, `large-${i}`, large).then(
        () => true,
        (error: { code?: string }) => {
          expect(error.code).toBe('STORE_UNAVAILABLE');
          return false;
        },
      ),
    );
    await Promise.race(writes);
    await server.crash();
    const written = await Promise.all(writes);
    await server.startAgain();
    for (const [i, certain] of written.entries()) {
      const there = await store.has(BATCH, `large-${i}`);
      expect(there || !certain, `large-${i}`).toBe(true);
      if (there) expect(large.equals(await store.get(BATCH, `large-${i}`))).toBe(true);
    }
  });
});
