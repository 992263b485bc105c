import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { EnrollmentClient } from '../../client/enrollment-client.js';
import { KeyRing } from '../../protection/key-ring.js';
import { openKeyRing } from '../../protection/live-key-ring.js';
import { leaveKeyRingProbe } from '../../store/key-ring-probe.js';
import { RealEnvironment, type RealSite } from '../support/real-environment.js';

let environment: RealEnvironment;
let site: RealSite;
let number = 0;
beforeAll(async () => void (environment = await RealEnvironment.shared()));
beforeEach(async () => {
  number += 1;
  site = await environment.site(`connect-${number}`);
  for (const [name, value] of Object.entries(site.env)) vi.stubEnv(name, value);
});
afterEach(() => void vi.unstubAllEnvs());
afterAll(() => environment.close());

const ringPath = () => join(site.folder, 'keys', 'data-keys.json');
const storePath = () => join(site.folder, 'data');

async function leaveProbe(): Promise<void> {
  await leaveKeyRingProbe(site.store, await openKeyRing({ path: ringPath() }));
}

async function connects(): Promise<void> {
  await (await EnrollmentClient.connect()).close();
}

describe('a client connects', () => {
  test('with the key ring of the workers', async () => {
    await leaveProbe();
    await connects();
  });

  test('where no worker has left a probe yet, and writes nothing into the store', async () => {
    await connects();
    await expect(readdir(storePath())).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('while the store cannot be read', async () => {
    await writeFile(storePath(), 'a file in the place of the folder');
    await connects();
  });
});

describe('a client does not connect', () => {
  beforeEach(leaveProbe);

  test('with the key ring of another deployment, whether Temporal answers or not', async () => {
    await rm(ringPath());
    await writeFile(ringPath(), JSON.stringify(KeyRing.generate()), { mode: 0o600 });
    for (const address of [site.env.TEMPORAL_ADDRESS, '127.0.0.1:1']) {
      vi.stubEnv('TEMPORAL_ADDRESS', address);
      await expect(connects()).rejects.toMatchObject({
        code: 'KEY_RING_PROBE_FAILED',
        reason: 'otherKeyRing',
        todo: expect.stringContaining('copy the key ring from a worker') as string,
      });
    }
  });

  test('with the keys of the workers and another secret', async () => {
    const { secret } = KeyRing.generate();
    const ring = JSON.parse(await readFile(ringPath(), 'utf8')) as object;
    await writeFile(ringPath(), JSON.stringify({ ...ring, secret }));
    await expect(connects()).rejects.toMatchObject({ reason: 'otherKeyRing' });
  });
});
