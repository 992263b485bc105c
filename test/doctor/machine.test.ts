import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkConfiguration } from '../../doctor/configuration.js';
import { checkDataKeys } from '../../doctor/data-keys.js';
import { CHECKS } from '../../doctor/finding.js';
import { checkFreeSpace } from '../../doctor/free-space.js';
import { checkKeyFile, checkKeyProgram } from '../../doctor/key-files.js';
import { checkKeyRing } from '../../doctor/key-ring.js';
import { checkStore } from '../../doctor/store.js';
import { checkStoreKeys } from '../../doctor/store-keys.js';
import { withoutKey } from '../../protection/key-ring-changes.js';
import { KeyRing } from '../../protection/key-ring.js';
import { FilesystemStore } from '../../store/filesystem-store.js';
import { leaveKeyRingProbe } from '../../store/key-ring-probe.js';
import { testKey, testKeyId, testRing, testRingJson } from '../support/key-rings.js';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'c2p-doctor-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the configuration', () => {
  test('is reported with each problem by its path, and everything after it as skipped', async () => {
    const path = join(folder, 'c2p.config.json');
    await writeFile(path, JSON.stringify({ programs: {}, store: { kind: 'tape' }, dataKeys: { path: 'x' } }));
    const { config, findings } = await checkConfiguration(path);
    expect(config).toBeUndefined();
    const failed = findings.filter(({ status }) => status === 'failed');
    expect(failed.map(({ found }) => found)).toEqual([
      expect.stringContaining('programs: must name at least one program'),
      expect.stringContaining('store.kind: must be filesystem or postgres'),
    ]);
    const skipped = findings.filter(({ status }) => status === 'skipped').map(({ check }) => check);
    expect(skipped).toEqual(CHECKS.slice(1));
  });
});

describe.skipIf(process.platform === 'win32')('the file of a key', () => {
  async function file(name: string, mode: number): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, '');
    await chmod(path, mode);
    return path;
  }
  const field = 'signingKey.path';

  test('is well when its owner alone can read it', async () => {
    const path = await file('owner', 0o600);
    expect(await checkKeyFile({ field, path, secret: true, program: 'demo' })).toEqual({
      check: 'key-file',
      program: 'demo',
      status: 'ok',
      found: `signingKey.path ${path}, mode 0600`,
    });
  });

  test.each([0o640, 0o604, 0o644])(
    'is refused with mode %o, with the command that mends it',
    async (mode) => {
      const path = await file(`mode-${mode}`, mode);
      expect(await checkKeyFile({ field, path, secret: true })).toMatchObject({
        status: 'failed',
        todo: `run: chmod 600 '${path}'`,
      });
    },
  );

  test('of a public key may be read by all, and is warned of when others can exchange it', async () => {
    const readable = await file('public', 0o644);
    expect(await checkKeyFile({ field, path: readable, secret: false })).toMatchObject({ status: 'ok' });
    const writable = await file('writable', 0o664);
    expect(await checkKeyFile({ field, path: writable, secret: false })).toMatchObject({
      status: 'warning',
      todo: `run: chmod go-w '${writable}'`,
    });
  });

  test('that is not there, or is a folder, fails', async () => {
    const missing = await checkKeyFile({ field, path: join(folder, 'missing'), secret: true });
    expect(missing).toMatchObject({
      status: 'failed',
      found: expect.stringContaining('does not exist') as string,
    });
    const path = join(folder, 'a-folder');
    await mkdir(path);
    expect(await checkKeyFile({ field, path, secret: true })).toMatchObject({ status: 'failed' });
  });
});

test.skipIf(process.platform === 'win32')(
  'a program that prints the data keys fails where others could put another in its place',
  async () => {
    const path = join(folder, 'my-kms');
    expect(await checkKeyProgram(path)).toMatchObject({
      status: 'failed',
      found: `dataKeys.command ${path} cannot be run (ENOENT)`,
    });
    await writeFile(path, '');
    await chmod(path, 0o720);
    expect(await checkKeyProgram(path)).toMatchObject({
      status: 'failed',
      found: `dataKeys.command ${path}: others can change it (the file ${path} has mode 0720)`,
      todo: `run: chmod go-w '${path}'`,
    });
    await chmod(path, 0o700);
    expect(await checkKeyProgram(path)).toMatchObject({ status: 'ok', found: `dataKeys.command ${path}` });
  },
);

describe('the data keys', () => {
  test('are reported by the id of the current one, and never the keys', async () => {
    const path = join(folder, 'data-keys.json');
    const ring = KeyRing.generate();
    await writeFile(path, JSON.stringify(ring), { mode: 0o600 });
    const { finding, keyRing } = await checkDataKeys({ dataKeys: { path } });
    expect(finding).toMatchObject({ status: 'ok', found: `the current key is '${ring.current}'` });
    expect(keyRing?.currentKeyId).toBe(ring.current);
    await writeFile(path, JSON.stringify({ ...ring, current: 'k2' }));
    const broken = await checkDataKeys({ dataKeys: { path } });
    expect(broken.finding).toMatchObject({ status: 'failed' });
    expect(JSON.stringify(broken.finding)).not.toContain(ring.keys[ring.current]);
  });
});

describe('the store', () => {
  const keyRing = testRing(1);

  test('is well when it gives back a probe, of which nothing stays', async () => {
    const root = join(folder, 'store');
    const store = new FilesystemStore({ root, keyRing });
    expect(await checkStore(store, { kind: 'filesystem' })).toMatchObject({ status: 'ok' });
    expect(await readdir(root)).toEqual([]);
    expect(await checkFreeSpace(root, 1)).toMatchObject({ status: 'ok' });
    expect(await checkFreeSpace(root, 2 ** 60)).toMatchObject({ status: 'warning' });
  });

  test('fails when it cannot be written', async () => {
    const root = join(folder, 'no-folder');
    await writeFile(root, '');
    const finding = await checkStore(new FilesystemStore({ root, keyRing }), { kind: 'filesystem' });
    expect(finding).toMatchObject({
      status: 'failed',
      found: expect.stringContaining('not a folder') as string,
    });
    expect(await checkFreeSpace(join(root, 'below'))).toMatchObject({ status: 'skipped' });
  });

  test('fails when blobs are sealed under a key that the ring lacks, and names key and batches', async () => {
    const root = join(folder, 'lost');
    const batch = { program: 'demo', externalBatchId: 'b1' };
    await new FilesystemStore({ root, keyRing }).put(batch, 'cards', Buffer.from('[]'));
    const other = testRing(2);
    const store = new FilesystemStore({ root, keyRing: other });
    await store.put(batch, 'outcomes', Buffer.from('[]'));
    expect(await checkStoreKeys(store, other)).toMatchObject({
      status: 'failed',
      found: `1 of 2 blobs are sealed under keys that the ring does not have: '${testKeyId(1)}' (demo/b1 …)`,
    });
    expect(await checkStoreKeys(store, keyRing)).toMatchObject({
      found: expect.stringContaining(`'${testKeyId(2)}' (demo/b1`) as string,
    });
  });

  test('warns of files that are no sealed blobs', async () => {
    const root = join(folder, 'foreign');
    const store = new FilesystemStore({ root, keyRing });
    await store.put({ program: 'demo', externalBatchId: 'b1' }, 'cards', Buffer.from('[]'));
    expect(await checkStoreKeys(store, keyRing)).toMatchObject({ status: 'ok' });
    await writeFile(join(root, 'demo', 'b1', 'outcomes.sealed'), 'something');
    expect(await checkStoreKeys(store, keyRing)).toMatchObject({
      status: 'warning',
      found: '1 of 2 files are no sealed blobs',
    });
  });

  describe('with the probe of the workers', () => {
    const inFolder = (name: string, ring: KeyRing) =>
      new FilesystemStore({ root: join(folder, name), keyRing: ring });
    const probed = (name: string, ring: KeyRing) => checkKeyRing(inFolder(name, ring), ring);

    test('says whether the key ring is theirs', async () => {
      expect(await probed('probed', keyRing)).toMatchObject({ status: 'skipped' });
      await leaveKeyRingProbe(inFolder('probed', keyRing), keyRing);
      expect(await probed('probed', keyRing)).toMatchObject({ check: 'key-ring-probe', status: 'ok' });
      const other = KeyRing.parse({ ...testRingJson(1), secret: testKey(98) }, 'test');
      expect(await probed('probed', other)).toMatchObject({
        status: 'failed',
        found: expect.stringContaining('the key ring is another one') as string,
        todo: expect.stringContaining('copy the key ring from a worker') as string,
      });
      expect(await probed('probed', testRing(2))).toMatchObject({
        status: 'failed',
        found: 'it is sealed under a key that the key ring no longer has',
      });
      const retired = KeyRing.parse(withoutKey(testRingJson(1, 2), testKeyId(1)), 'test');
      expect(await probed('probed', retired)).toMatchObject({
        status: 'warning',
        todo: 'restart a worker, which makes a new one',
      });
    });

    test('says what erases one that is damaged', async () => {
      const probe = join(folder, 'damaged', '%7ekey-ring', 'probe');
      await leaveKeyRingProbe(inFolder('damaged', keyRing), keyRing);
      await writeFile(join(probe, 'proof.sealed'), 'something');
      expect(await probed('damaged', keyRing)).toMatchObject({
        status: 'failed',
        todo: expect.stringContaining(`run: rm -r '${probe}'`) as string,
      });
    });
  });
});
