import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Finding } from '../../doctor/index.js';
import { KeyRing } from '../../protection/key-ring.js';
import { RealEnvironment, type RealSite } from '../support/real-environment.js';
import { testRecords } from '../support/records.js';
import { c2p, c2pProcess, writeRecords } from './command-line.js';

const HINT = /^c2p: the key ring is another one .*; nothing was started: copy the key ring from a worker\./m;

let environment: RealEnvironment;
let site: RealSite;
/** Of a machine at the same site with a key ring of its own. */
let env: RealSite['env'];
beforeAll(async () => {
  environment = await RealEnvironment.shared();
  site = await environment.site('other-key-ring');
  await site.startWorker();
  const path = join(site.folder, 'keys', 'other-data-keys.json');
  await writeFile(path, JSON.stringify(KeyRing.generate()), { mode: 0o600 });
  const config = JSON.parse(await readFile(site.configPath, 'utf8')) as object;
  const configPath = join(site.folder, 'other.config.json');
  await writeFile(configPath, JSON.stringify({ ...config, dataKeys: { path } }));
  env = { ...site.env, C2P_CONFIG: configPath };
});
afterAll(() => environment.close());

test('c2p enroll with another key ring than the workers is refused with what to do, and nothing is started', async () => {
  const path = await writeRecords(join(site.folder, 'refused.jsonl'), testRecords(1));
  const { exitCode, stdout, stderr } = await c2p(['enroll', path], env);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toMatch(HINT);
  expect(await site.blobs('refused')).toEqual([]);
  expect(await site.client.batch('refused').exists()).toBe(false);
});

test('c2p worker with another key ring than the workers does not start and says what to do', async () => {
  const { exitCode, stderr } = await c2pProcess(['worker'], env);
  expect(stderr).toMatch(HINT);
  expect(exitCode).toBe(2);
});

test('c2p doctor reports another key ring than the workers', async () => {
  const probe = async (where: RealSite['env']) => {
    const { exitCode, stdout } = await c2p(['doctor', '--offline', '--json'], where);
    const found = (JSON.parse(stdout) as Finding[]).find(({ check }) => check === 'key-ring-probe');
    return { exitCode, ...found };
  };
  expect(await probe(site.env)).toMatchObject({ exitCode: 0, status: 'ok' });
  expect(await probe(env)).toMatchObject({
    exitCode: 1,
    status: 'failed',
    todo: expect.stringMatching(/^copy the key ring from a worker/) as string,
  });
});

test('c2p worker starts where the probe cannot be read, and says so in its log', async () => {
  const unreadable = await environment.site('unreadable-store');
  await writeFile(join(unreadable.folder, 'data'), 'a file in the place of the folder');
  const { logFile } = await unreadable.startWorker();
  expect(await readFile(logFile, 'utf8')).toContain('whether the key ring is that of the other workers');
});
