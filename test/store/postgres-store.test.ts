import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withoutKey } from '../../protection/key-ring-changes.js';
import { KeyRing, type KeyRingSource } from '../../protection/key-ring.js';
import { migrate } from '../../store/migrate.js';
import { MIGRATIONS } from '../../store/migrations/index.js';
import { openStore } from '../../store/open-store.js';
import { PostgresStore } from '../../store/postgres-store.js';
import { resealStore } from '../../store/reseal.js';
import type { FinalOutcomes, OpenStore } from '../../store/store.js';
import { placeOf, providePostgres, query, type TestPostgres } from '../support/postgres.js';
import { describeStore } from './store-contract.js';
import { testKeyId, testRing, testRingJson } from '../support/key-rings.js';

const BATCH = { program: 'demo', externalBatchId: 'B.1' };
const PAN = '5186001700009726';
const keyRing = testRing(1);

let postgres: TestPostgres;
let url: string;
const opened: OpenStore[] = [];
beforeAll(async () => {
  postgres = await providePostgres();
  url = await postgres.storeDatabase();
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});
afterAll(() => postgres.close());

function storeAt(at: string, ring: KeyRingSource = keyRing): PostgresStore {
  const store = new PostgresStore({ place: placeOf(at), keyRing: ring });
  opened.push(store);
  return store;
}

async function emptyStore(): Promise<PostgresStore> {
  await query(url, 'truncate c2p.blobs, c2p.outcomes');
  return storeAt(url);
}

describeStore('PostgresStore', emptyStore);

describe('PostgresStore', () => {
  let store: PostgresStore;
  beforeEach(async () => {
    store = await emptyStore();
  });

  it('hands the server only sealed bytes, and the id of their key', async () => {
    await store.put(BATCH, 'records', Buffer.from(PAN));
    const rows = await query<{ sealed: Buffer; key_id: string }>(url, 'select * from c2p.blobs');
    expect(rows).toMatchObject([
      { program: 'demo', external_batch_id: 'B.1', ref: 'records', key_id: testKeyId(1) },
    ]);
    expect(JSON.stringify(rows)).not.toContain(PAN);
    expect(rows[0]!.sealed.includes(PAN)).toBe(false);
    expect(rows[0]!.sealed.subarray(0, 3).toString()).toBe('c2p');
    expect(await store.keyIdOf(BATCH, 'records')).toBe(testKeyId(1));
    expect(await store.keyIdOf(BATCH, 'other')).toBeUndefined();
  });

  it('refuses a blob that was altered, cut short, renamed or moved to another batch', async () => {
    const reason = () =>
      store.get(BATCH, 'records').then(String, (error: { reason?: string }) => error.reason);
    for (const [change, expected] of [
      [`sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)`, 'altered'],
      [`sealed = substring(sealed from 1 for length(sealed) - 1)`, 'truncated'],
      [`sealed = (select sealed from c2p.blobs where ref = 'cards')`, 'altered'],
      [`sealed = (select sealed from c2p.blobs where external_batch_id = 'other')`, 'altered'],
      // More than a blob may have, of which no more is read.
      [`sealed = sealed || convert_to(repeat('x', 70000000), 'UTF8')`, 'altered'],
    ]) {
      await store.put(BATCH, 'records', Buffer.from(PAN));
      await store.put(BATCH, 'cards', Buffer.from(PAN));
      await store.put({ ...BATCH, externalBatchId: 'other' }, 'records', Buffer.from(PAN));
      await query(url, `update c2p.blobs set ${change} where external_batch_id = 'B.1' and ref = 'records'`);
      expect(await reason(), change).toBe(expected);
    }
  });

  it('names every batch, however many pages of them there are', async () => {
    await query(
      url,
      String.raw`insert into c2p.blobs (program, external_batch_id, ref, sealed)
        select 'p' || i % 3, 'batch-' || i, ref, '\x6332700102'::bytea || 'k1'::bytea
        from generate_series(1, 2500) i, unnest(array['closed', 'outcomes']) ref`,
    );
    const found = new Set<string>();
    for await (const batch of store.batches()) found.add(JSON.stringify(batch));
    expect(found.size).toBe(2_500);
  });

  it('takes for new what it wrote itself before the connection was lost', async () => {
    await store.put(BATCH, 'data', Buffer.from('mine'));
    // The same bytes once more, as when the answer to the first time was lost.
    const [row] = await query<{ sealed: Buffer }>(url, 'select sealed from c2p.blobs');
    const sealing = { seal: () => row!.sealed } as unknown as KeyRing;
    const repeating = {
      latest: () => Promise.resolve(sealing),
      knowing: () => keyRing.knowing(),
      atHand: () => keyRing,
    };
    const repeated = new PostgresStore({ place: placeOf(url), keyRing: repeating });
    opened.push(repeated);
    expect(await repeated.putNew(BATCH, 'data', Buffer.from('mine'))).toBe(true);
    expect(await store.putNew(BATCH, 'data', Buffer.from('mine'))).toBe(false);
  });

  it('seals everything under the current key, once, without counting it as a write', async () => {
    const before = testRingJson(1);
    const after = testRingJson(1, 2);
    const old = storeAt(url, KeyRing.parse(before, 'test'));
    for (const ref of ['outcomes', 'closed']) await old.put(BATCH, ref, Buffer.from(ref));
    const written = await old.lastWritten(BATCH);
    const rotated = storeAt(url, KeyRing.parse(after, 'test'));
    expect(await resealStore(rotated)).toEqual({ blobs: 2, resealed: 2, unreadable: 0 });
    expect(await resealStore(rotated)).toEqual({ blobs: 2, resealed: 0, unreadable: 0 });
    expect(await rotated.keyIdOf(BATCH, 'closed')).toBe(testKeyId(2));
    expect(await rotated.lastWritten(BATCH)).toEqual(written);
    const retired = storeAt(url, KeyRing.parse(withoutKey(after, testKeyId(1)), 'test'));
    expect(Buffer.from(await retired.get(BATCH, 'closed')).toString()).toBe('closed');
  });

  it.each(['put', 'erased'])(
    'leaves a blob as it is that is %s while it is sealed anew',
    async (meanwhile) => {
      const before = testRingJson(1);
      const after = testRing(1, 2);
      const other = storeAt(url, KeyRing.parse(before, 'test'));
      await other.put(BATCH, 'outcomes', Buffer.from('old'));
      // Asked for a key, the blob has been read and not yet written.
      const disturbed = storeAt(url, {
        latest: () => after.latest(),
        atHand: () => after,
        async knowing() {
          if (meanwhile === 'put') await other.put(BATCH, 'outcomes', Buffer.from('new'));
          else await other.delete(BATCH, 'outcomes');
          return after;
        },
      });
      expect(await disturbed.reseal(BATCH, 'outcomes')).toBe(false);
      const found = await other.get(BATCH, 'outcomes').then(
        (blob) => Buffer.from(blob).toString(),
        (error: { code?: string }) => error.code,
      );
      expect(found).toBe(meanwhile === 'put' ? 'new' : 'SEALED_BLOB_MISSING');
    },
  );

  it('neither brings back what is purged nor undoes what is written while it seals anew', async () => {
    const before = testRingJson(1);
    const after = testRingJson(1, 2);
    const batches = Array.from({ length: 40 }, (_, i) => ({ program: 'busy', externalBatchId: `b-${i}` }));
    const old = storeAt(url, KeyRing.parse(before, 'test'));
    const refs = ['records-a', 'outcomes'];
    for (const batch of batches) for (const ref of refs) await old.put(batch, ref, Buffer.from(`old ${ref}`));
    const rotated = storeAt(url, KeyRing.parse(after, 'test'));
    const purge = async (batch: (typeof batches)[number]) => {
      await rotated.put(batch, 'outcomes', Buffer.from('new outcomes'));
      await rotated.delete(batch, 'records-a');
    };
    await Promise.all([resealStore(rotated), resealStore(rotated), ...batches.map(purge)]);
    for (const batch of batches) {
      expect(await rotated.list(batch)).toEqual(['outcomes']);
      expect(Buffer.from(await rotated.get(batch, 'outcomes')).toString()).toBe('new outcomes');
    }
  });
});

describe('the outcomes of a batch', () => {
  const outcomes = (...rows: FinalOutcomes['rows']): FinalOutcomes => ({
    closedAt: '2026-11-24T10:00:00.000Z',
    rows,
  });
  const card = (externalCardId: string, status: string) => ({
    externalConsumerId: 'c',
    externalCardId,
    status,
  });
  const stored = () =>
    query(
      url,
      'select * from c2p.outcomes order by external_batch_id, external_consumer_id, external_card_id',
    );

  it('can be read as rows once the blob that closes it is there, with no more of a person than external ids', async () => {
    const store = await emptyStore();
    const sensitive = { srcConsumerId: 'src', details: [{ code: 'x', message: 'words' }] };
    const rows = [
      { ...card('1', 'ENROLLED'), round: 2, ...sensitive },
      { ...card('2', 'FAILED'), round: 1, reason: 'DECLINED' },
      card('#3', 'INVALID'),
    ];
    await store.put(BATCH, 'closed', Buffer.from('{}'), outcomes(...rows));
    const common = { program: 'demo', external_batch_id: 'B.1', external_consumer_id: 'c' };
    const closed_at = new Date('2026-11-24T10:00:00.000Z');
    expect(await stored()).toEqual([
      { ...common, external_card_id: '#3', status: 'INVALID', round: null, reason: null, closed_at },
      { ...common, external_card_id: '1', status: 'ENROLLED', round: 2, reason: null, closed_at },
      { ...common, external_card_id: '2', status: 'FAILED', round: 1, reason: 'DECLINED', closed_at },
    ]);
    expect(await store.has(BATCH, 'closed')).toBe(true);
  });

  it('are those of the last time, also when it is closed several times at once, and of no other batch', async () => {
    const store = await emptyStore();
    const other = { ...BATCH, externalBatchId: 'other' };
    await store.put(other, 'closed', Buffer.from('{}'), outcomes(card('1', 'FAILED')));
    await store.put(BATCH, 'closed', Buffer.from('{}'), outcomes(card('1', 'FAILED'), card('2', 'FAILED')));
    const again = outcomes(card('1', 'ENROLLED'), card('3', 'ENROLLED'));
    await Promise.all([1, 2, 3, 4].map(() => store.put(BATCH, 'closed', Buffer.from('{}'), again)));
    expect(await stored()).toMatchObject([
      { external_batch_id: 'B.1', external_card_id: '1', status: 'ENROLLED' },
      { external_batch_id: 'B.1', external_card_id: '3', status: 'ENROLLED' },
      { external_batch_id: 'other', external_card_id: '1', status: 'FAILED' },
    ]);
  });

  it('are not there without the blob, nor the blob without them', async () => {
    const store = await emptyStore();
    const twice = outcomes(card('1', 'ENROLLED'), card('1', 'FAILED'));
    await expect(store.put(BATCH, 'closed', Buffer.from('{}'), twice)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
    expect(await store.has(BATCH, 'closed')).toBe(false);
    expect(await stored()).toEqual([]);
  });
});

describe('the tables', () => {
  it('are asked for when they are missing, and made once, also by several at the same time', async () => {
    const empty = await postgres.emptyDatabase();
    const store = storeAt(empty);
    await expect(store.checkReady()).rejects.toMatchObject({
      code: 'STORE_OUTDATED',
      message: expect.stringMatching(/lacks blobs and outcomes; run: c2p store migrate/) as string,
    });
    await expect(store.put(BATCH, 'x', Buffer.from('x'))).rejects.toThrow(/run: c2p store migrate \(42P01\)/);
    const applied = await Promise.all([1, 2, 3].map(() => migrate(placeOf(empty))));
    expect(applied.flat()).toEqual(MIGRATIONS);
    await store.checkReady();
    await store.put(BATCH, 'x', Buffer.from('x'));
  });

  it('of a later version are no reason to stop, since it left them so that this one works on', async () => {
    const later = await postgres.storeDatabase();
    await query(later, `insert into c2p.migrations (number, name) values (1000, 'later')`);
    await storeAt(later).checkReady();
    expect(await migrate(placeOf(later))).toEqual([]);
  });

  it('are numbered from 1 on, without a gap', () => {
    expect(MIGRATIONS.map(({ number }) => number)).toEqual(MIGRATIONS.map((_, index) => index + 1));
  });
});

describe('a user', () => {
  const as = (at: string, user: string) => {
    const changed = new URL(at);
    [changed.username, changed.password] = [user, 'let-me-in'];
    return changed.href;
  };
  const grants = `
    create role NAME login password 'let-me-in';
    grant usage on schema c2p to NAME;
    grant select on c2p.migrations to NAME;
    grant select, insert, update, delete on c2p.blobs, c2p.outcomes to NAME;`;

  it('of workers needs no right to make tables, and one of analysts reads outcomes only', async () => {
    const at = await postgres.storeDatabase();
    const [worker, analyst] = ['worker', 'analyst'].map(
      (name) => `c2p_${name}_${new URL(at).pathname.slice(-12)}`,
    );
    await query(at, grants.replaceAll('NAME', worker!));
    await query(
      at,
      `create role ${analyst} login password 'let-me-in'; grant usage on schema c2p to ${analyst};
       grant select on c2p.outcomes to ${analyst};`,
    );
    try {
      const store = storeAt(as(at, worker!));
      await store.checkReady();
      await store.put(BATCH, 'closed', Buffer.from('{}'), { closedAt: new Date().toISOString(), rows: [] });
      await store.delete(BATCH, 'closed');
      expect(await query(as(at, analyst!), 'select * from c2p.outcomes')).toEqual([]);
      await expect(storeAt(as(at, analyst!)).get(BATCH, 'closed')).rejects.toThrow(
        /this user may not; grant it what docs\/operations.md says under "PostgreSQL" \(42501\)/,
      );
      await expect(migrate(placeOf(as(at, worker!)))).resolves.toEqual([]);
    } finally {
      for (const role of [worker, analyst]) await query(at, `drop owned by ${role}; drop role ${role}`);
    }
  });

  it('that the server does not let in is an error without password or user', async () => {
    const wrong = as(url, 'nobody');
    const error = await storeAt(wrong)
      .has(BATCH, 'x')
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(
        /^cannot read demo\/B\.1\/x in PostgreSQL at [^ ]+: it does not let this user in; /,
      ) as string,
    });
    expect((error as Error).message).not.toMatch(/nobody|let-me-in/);
  });
});

describe('the URL', () => {
  const place = { kind: 'postgres', urlEnv: 'STORE_PASSWORD' } as const;
  it.each([
    ['is not set', {}],
    ['does not hold a postgres:// URL', { STORE_PASSWORD: 'secret' }],
    ['does not hold a postgres:// URL', { STORE_PASSWORD: 'https://user:secret@host/db' }],
    [
      'a file that it names cannot be read',
      { STORE_PASSWORD: 'postgres://u:secret@h/d?sslrootcert=/secret' },
    ],
  ])('%s: that is said, without name or value', async (problem, env) => {
    const error = await openStore(place, keyRing, env).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'STORE_URL_INVALID' });
    expect((error as Error).message).toContain(problem);
    expect((error as Error).message).not.toMatch(/secret|STORE_PASSWORD/);
    expect((error as Error).cause).toBeUndefined();
  });
});
