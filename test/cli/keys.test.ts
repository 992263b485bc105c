import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeSandboxConfig } from '../../dev/sandbox.js';
import { nameOf } from '../../protection/derived-keys.js';
import type { KeyRingJson } from '../../protection/key-ring-json.js';
import { openKeyRing } from '../../protection/live-key-ring.js';
import { FilesystemStore } from '../../store/filesystem-store.js';
import { c2p, c2pProcess } from './command-line.js';
import { sandboxKeysIn } from '../support/sandbox-keys.js';

const BATCH = { program: 'demo', externalBatchId: 'b-1' };

let folder: string;
let configPath: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-keys-'));
  const sandbox = await writeSandboxConfig(await sandboxKeysIn(folder), {
    baseUrl: 'http://127.0.0.1:1/x',
  });
  configPath = sandbox.configPath;
  path = join(folder, 'keys', 'data-keys.json');
});
afterEach(() => rm(folder, { recursive: true }));

/** The command and what it prints, with the names of keys for their ids. */
async function keys(...args: string[]) {
  const ids = Object.keys((await ring().catch(() => undefined))?.keys ?? {});
  const whole = args.map((arg) => ids.find((id) => nameOf(id) === arg) ?? arg);
  const { exitCode, stdout, stderr } = await c2p(['keys', ...whole], { C2P_CONFIG: configPath });
  return { exitCode, stdout: named(stdout), stderr: named(stderr) };
}
const named = (text: string) => text.replace(/\b(k\d+)-[0-9a-f]{10}\b/g, '$1');
const keysProcess = (...args: string[]) => c2pProcess(['keys', ...args], { C2P_CONFIG: configPath });
const ring = async () => JSON.parse(await readFile(path, 'utf8')) as KeyRingJson;
const namedRing = async () => JSON.parse(named(await readFile(path, 'utf8'))) as KeyRingJson;

async function store() {
  return new FilesystemStore({ root: join(folder, 'data'), keyRing: await openKeyRing({ path }) });
}

async function configureCommand(script: string): Promise<void> {
  const file = join(folder, 'my-kms');
  await writeFile(file, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
  const config = JSON.parse(await readFile(configPath, 'utf8')) as object;
  await writeFile(configPath, JSON.stringify({ ...config, dataKeys: { command: [file] } }));
}

describe('c2p keys init', () => {
  test('makes a key ring that only its owner can read, and never overwrites one', async () => {
    await rm(path);
    expect(await keys('init')).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: expect.stringContaining(`made ${path} (mode 0600) with the key k1`) as string,
    });
    if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600);
    const made = await readFile(path, 'utf8');
    expect(await keys('init')).toMatchObject({
      exitCode: 2,
      stderr: `c2p: key ring ${path}: is there already, and stays as it is; c2p keys rotate adds a key to it`,
    });
    expect(await readFile(path, 'utf8')).toBe(made);
  });

  test('makes one when several run at once', async () => {
    await rm(path);
    const ended = await Promise.all(Array.from({ length: 3 }, () => keysProcess('init')));
    expect(ended.map(({ exitCode }) => exitCode).sort()).toEqual([0, 2, 2]);
  });
});

describe('c2p keys rotate, add and use', () => {
  test('rotate adds a key, makes it current and keeps the old one and the mode', async () => {
    const before = await namedRing();
    expect(await keys('rotate')).toMatchObject({
      exitCode: 0,
      stderr: 'k2 is the current key now; k1 goes on opening what it sealed',
    });
    const after = await namedRing();
    expect(after).toMatchObject({ current: 'k2', keys: { k1: before.keys.k1 } });
    expect(Object.keys(after.keys)).toEqual(['k1', 'k2']);
    if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('rotations at the same time are both done', async () => {
    const ended = await Promise.all([keysProcess('rotate'), keysProcess('rotate'), keysProcess('add')]);
    expect(ended.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect(Object.keys((await namedRing()).keys)).toEqual(['k1', 'k2', 'k3', 'k4']);
  });

  test('add adds a key that use then makes current', async () => {
    expect(await keys('add')).toMatchObject({
      exitCode: 0,
      stderr: 'added k2; once every machine has it: c2p keys use k2',
    });
    expect((await namedRing()).current).toBe('k1');
    expect(await keys('use', 'k2')).toMatchObject({ exitCode: 0, stderr: 'k2 is the current key now' });
    expect((await namedRing()).current).toBe('k2');
  });

  test('a key that is not there is refused without being repeated', async () => {
    const { k1 } = (await namedRing()).keys;
    for (const command of ['use', 'retire']) {
      const { exitCode, stderr } = await keys(command, k1!);
      expect({ exitCode, stderr }).toEqual({
        exitCode: 2,
        stderr: `c2p: key ring ${path}: has no key of that id; it has k1`,
      });
    }
  });

  test.skipIf(process.platform === 'win32')(
    'a file that others can read is refused, and left as it is',
    async () => {
      const before = await readFile(path, 'utf8');
      await chmod(path, 0o644);
      expect(await keys('rotate')).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('chmod 600') as string,
      });
      expect(await readFile(path, 'utf8')).toBe(before);
    },
  );
});

describe('c2p keys list and reseal', () => {
  test('list tells which key seals how much, and reseal moves it all to the current one', async () => {
    for (const ref of ['outcomes', 'closed']) await (await store()).put(BATCH, ref, Buffer.from(ref));
    await keys('rotate');
    await (await store()).put(BATCH, 'cards', Buffer.from('cards'));
    const { stdout } = await keys('list');
    expect(stdout).toMatch(/^k1 {2}opens {4}20\S+Z {2}2 blobs\nk2 {2}current {2}20\S+Z {2}1 blob$/);
    for (const key of Object.values((await ring()).keys)) expect(stdout).not.toContain(key.slice(0, 8));

    expect(await keys('reseal')).toMatchObject({
      exitCode: 0,
      stderr: 'blobs: 3, sealed anew: 2, unreadable: 0',
    });
    expect(JSON.parse((await keys('list', '--json')).stdout)).toMatchObject([
      { id: 'k1', state: 'opens', blobs: 0 },
      { id: 'k2', state: 'current', blobs: 3 },
    ]);
    expect(Buffer.from(await (await store()).get(BATCH, 'closed')).toString()).toBe('closed');
  });

  test('both report what a lost key sealed', async () => {
    await (await store()).put(BATCH, 'outcomes', Buffer.from('x'));
    await keys('rotate');
    const { current, keys: all, secret } = await ring();
    await writeFile(path, JSON.stringify({ current, keys: { [current]: all[current] }, secret }));
    expect((await keys('list')).stdout).toMatch(/^k2 {2}current .* 0 blobs\nk1 {2}missing .* 1 blob$/);
    const { exitCode, stderr } = await keys('reseal');
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`["demo","b-1","outcomes"] (key 'k1'): the key ring has no such key`);
    expect(stderr).toContain('blobs: 1, sealed anew: 0, unreadable: 1');
  });
});

describe('c2p keys retire', () => {
  test('refuses the current key', async () => {
    expect(await keys('retire', 'k1')).toMatchObject({
      exitCode: 2,
      stderr: `c2p: key ring ${path}: key 'k1' is the current one; c2p keys rotate makes another one current`,
    });
  });

  test('refuses a key while a process may still seal under it', async () => {
    await keys('rotate');
    expect(await keys('retire', 'k1')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/a process may still seal under it; try again after 20\S+Z$/) as string,
    });
  });
});

describe.skipIf(process.platform === 'win32')('with a command in the place of the file', () => {
  test('list and reseal work, and what would change the key ring says whose business it is', async () => {
    await (await store()).put(BATCH, 'outcomes', Buffer.from('x'));
    await keys('rotate');
    await configureCommand(`cat '${path}'`);
    expect(await keys('reseal')).toMatchObject({
      exitCode: 0,
      stderr: 'blobs: 1, sealed anew: 1, unreadable: 0',
    });
    expect((await keys('list')).stdout).toMatch(/^k1 .* 0 blobs\nk2 .* 1 blob$/);
    for (const command of [['init'], ['rotate'], ['add'], ['use', 'k1']]) {
      const { exitCode, stderr } = await keys(...command);
      expect({ exitCode, stderr }).toEqual({
        exitCode: 2,
        stderr:
          `c2p: key ring of the command ${join(folder, 'my-kms')}: c2p only reads it; change it where the command ` +
          'has it from (docs/operations.md, "Keys", says in which order)',
      });
    }
  });

  test('retire refuses the current key there too', async () => {
    await configureCommand(`cat '${path}'`);
    expect(await keys('retire', 'k1')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("key 'k1' is the current one") as string,
    });
  });

  test('what the command says on standard error is shown, and nothing of what it prints', async () => {
    await configureCommand(`cat '${path}'; echo 'vault is sealed' >&2; exit 3`);
    const { exitCode, stdout, stderr } = await keys('list');
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `c2p: key ring of the command ${join(folder, 'my-kms')}: it ended with exit code 3; it said: vault is sealed`,
    });
  });
});

test('c2p keys --help lists every command, and a wrong one is a usage error', async () => {
  const { stdout } = await keys('--help');
  for (const name of ['init', 'list', 'rotate', 'add', 'use', 'reseal', 'retire'])
    expect(stdout).toContain(`  ${name}`);
  expect(await keys('revoke')).toMatchObject({ exitCode: 2 });
  expect(await keys('retire')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('(c2p keys retire --help says more)') as string,
  });
});
