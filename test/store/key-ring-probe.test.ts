import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { keyIdOf, retiredKey } from '../../protection/derived-keys.js';
import { withoutKey } from '../../protection/key-ring-changes.js';
import type { KeyRingJson } from '../../protection/key-ring-json.js';
import { KeyRing } from '../../protection/key-ring.js';
import { blobsByKey } from '../../retention/key-usage.js';
import { FilesystemStore } from '../../store/filesystem-store.js';
import { checkKeyRingProbe, leaveKeyRingProbe, PROBE } from '../../store/key-ring-probe.js';
import { PostgresStore } from '../../store/postgres-store.js';
import { resealStore } from '../../store/reseal.js';
import type { OpenStore } from '../../store/store.js';
import { testKey, testKeyId, testRingJson } from '../support/key-rings.js';
import { placeOf, providePostgres, query, type TestPostgres } from '../support/postgres.js';

const OTHER_SECRET = testKey(98);
/** Its key is named as that of `testRing(1)`, and is another one. */
const OTHER_KEY_ID = keyIdOf('k1', retiredKey(testKey(7)));
const OTHER_DEPLOYMENT: KeyRingJson = {
  current: OTHER_KEY_ID,
  keys: { [OTHER_KEY_ID]: testKey(7) },
  secret: OTHER_SECRET,
};

/** A place for stores in which a test can damage the probe, and erase it as an operator does. */
interface Place {
  open(ring: KeyRing): OpenStore;
  flipBit(): Promise<void>;
  truncate(): Promise<void>;
  /** What messages say that erases the probe. */
  readonly eraseCommand: string;
  eraseAsTold(): Promise<void>;
}

let postgres: TestPostgres;
let url: string;
const folders: string[] = [];
const opened: OpenStore[] = [];
beforeAll(async () => {
  postgres = await providePostgres();
  url = await postgres.storeDatabase();
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});
afterAll(async () => {
  await postgres.close();
  for (const folder of folders) await rm(folder, { recursive: true });
});

async function onDisk(): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), 'c2p-probe-'));
  folders.push(root);
  const batch = join(root, '%7ekey-ring', 'probe');
  const file = join(batch, 'proof.sealed');
  return {
    open: (keyRing) => new FilesystemStore({ root, keyRing }),
    async flipBit() {
      const bytes = await readFile(file);
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 20) ^ 1, bytes.length - 20);
      await writeFile(file, bytes);
    },
    truncate: async () => writeFile(file, (await readFile(file)).subarray(0, 30)),
    eraseCommand: `run: rm -r '${batch}'`,
    eraseAsTold: () => rm(batch, { recursive: true }),
  };
}

async function inPostgres(): Promise<Place> {
  await query(url, 'truncate c2p.blobs, c2p.outcomes');
  const statement = "delete from c2p.blobs where program = '~key-ring' and external_batch_id = 'probe'";
  const set = async (sealed: string) => void (await query(url, `update c2p.blobs set sealed = ${sealed}`));
  return {
    open: (keyRing) => {
      const store = new PostgresStore({ place: placeOf(url), keyRing });
      opened.push(store);
      return store;
    },
    flipBit: () => set('set_byte(sealed, 40, get_byte(sealed, 40) # 1)'),
    truncate: () => set('substring(sealed from 1 for 30)'),
    eraseCommand: `run in PostgreSQL: ${statement}`,
    eraseAsTold: async () => void (await query(url, statement)),
  };
}

describe.each([
  ['on disk', onDisk],
  ['in PostgreSQL', inPostgres],
])('the probe of a store %s', (_, makePlace) => {
  let place: Place;
  beforeEach(async () => void (place = await makePlace()));

  const check = (json: KeyRingJson) => {
    const keyRing = KeyRing.parse(json, 'test');
    return checkKeyRingProbe(place.open(keyRing), keyRing);
  };
  const startWorker = (json: KeyRingJson) => {
    const keyRing = KeyRing.parse(json, 'test');
    return leaveKeyRingProbe(place.open(keyRing), keyRing);
  };
  const storeOf = (json: KeyRingJson) => place.open(KeyRing.parse(json, 'test'));
  const underKey = async () => [...(await blobsByKey(storeOf(testRingJson(1)))).keys()];
  const reseal = (json: KeyRingJson) => resealStore(storeOf(json));

  test('is left by the first worker, and opens for every process with its key ring', async () => {
    expect(await check(testRingJson(1))).toBe('absent');
    expect(await underKey()).toEqual([]);
    await startWorker(testRingJson(1));
    const left = await storeOf(testRingJson(1)).list(PROBE);
    await startWorker(testRingJson(1));
    expect(await check(testRingJson(1))).toBe('opens');
    expect(await storeOf(testRingJson(1)).list(PROBE)).toEqual(left);
  });

  test.each([
    ['of another deployment whose key has the same name', OTHER_DEPLOYMENT],
    ['of another deployment with more keys', { ...testRingJson(2, 3), secret: OTHER_SECRET }],
    ['with the same keys and another secret', { ...testRingJson(1), secret: OTHER_SECRET }],
    ['with no key of the workers', { ...testRingJson(2), secret: OTHER_SECRET }],
    [
      'of another deployment that retired a key of this id',
      { ...withoutKey(testRingJson(1, 2), testKeyId(1)), secret: OTHER_SECRET },
    ],
  ])('does not open for a key ring %s', async (_, ring) => {
    await startWorker(testRingJson(1));
    for (const start of [check, startWorker])
      await expect(start(ring)).rejects.toMatchObject({
        code: 'KEY_RING_PROBE_FAILED',
        reason: 'otherKeyRing',
        message: expect.stringMatching(
          /^the key ring is another one than that of the workers of the store at .*; nothing was started: copy the key ring from a worker\./,
        ) as string,
      });
    expect(await check(testRingJson(1))).toBe('opens');
  });

  test('opens throughout a rotation, and once it is sealed anew no longer for an older copy of the key ring', async () => {
    await startWorker(testRingJson(1));
    await startWorker(testRingJson(1, 2));
    expect(await underKey()).toEqual([testKeyId(1)]);
    expect(await check(testRingJson(1, 2))).toBe('opens');
    expect(await reseal(testRingJson(1, 2))).toEqual({ blobs: 2, resealed: 2, unreadable: 0 });
    expect(await underKey()).toEqual([testKeyId(2)]);
    expect(await check(withoutKey(testRingJson(1, 2), testKeyId(1)))).toBe('opens');
    for (const start of [check, startWorker])
      await expect(start(testRingJson(1))).rejects.toMatchObject({
        reason: 'olderKeyRing',
        message: expect.stringContaining(`it lacks their key '${testKeyId(2)}'`) as string,
      });
  });

  test('whose key is retired holds nobody back, and the next worker leaves another one', async () => {
    await startWorker(testRingJson(1));
    const retired = withoutKey(testRingJson(1, 2), testKeyId(1));
    expect(await check(retired)).toBe('retired');
    await startWorker(retired);
    expect(await check(retired)).toBe('opens');
  });

  test('whose key is lost holds nobody back, and opens again when the key is back', async () => {
    await startWorker(testRingJson(1));
    expect(await check(testRingJson(2))).toBe('keyLost');
    await startWorker(testRingJson(2));
    expect(await check(testRingJson(1, 2))).toBe('opens');
  });

  test('is one when several workers start at once, also while the key is exchanged', async () => {
    const rings = [1, 2, 3, 4].flatMap(() => [
      testRingJson(1, 2),
      { ...testRingJson(1, 2), current: testKeyId(1) },
    ]);
    await Promise.all(rings.map(startWorker));
    for (const ring of rings) expect(await check(ring)).toBe('opens');
    expect(await storeOf(testRingJson(1)).list(PROBE)).toHaveLength(2);
  });

  test('holds back all of one deployment when workers of two start at once', async () => {
    const starts = await Promise.allSettled(
      [1, 2, 3].flatMap(() => [startWorker(testRingJson(1)), startWorker(OTHER_DEPLOYMENT)]),
    );
    const [ours, others] = [starts.filter((_, i) => i % 2 === 0), starts.filter((_, i) => i % 2 === 1)];
    const ends = [ours, others].map((all) => [...new Set(all.map(({ status }) => status))]);
    expect(ends.sort()).toEqual([['fulfilled'], ['rejected']]);
  });

  test.each(['flipBit', 'truncate'] as const)(
    'that is damaged (%s) holds everybody back with what erases it, after which a worker leaves another one',
    async (damage) => {
      await startWorker(testRingJson(1));
      await place[damage]();
      for (const start of [check, startWorker])
        await expect(start(testRingJson(1))).rejects.toMatchObject({
          reason: 'damaged',
          todo: expect.stringContaining(`${place.eraseCommand}, and start a worker`) as string,
        });
      await place.eraseAsTold();
      await startWorker(testRingJson(1));
      expect(await check(testRingJson(1))).toBe('opens');
    },
  );
});
