import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SANDBOX_KEY_ALIAS, SANDBOX_KEY_PASSWORD } from '../../simulator/index.js';
import { RealEnvironment, type RealSite } from '../support/real-environment.js';
import type { RealWorker } from '../support/real-worker.js';
import { testRecords } from '../support/records.js';
import { c2p, changeProgram, writeRecords } from './command-line.js';

const PASSWORD_VARIABLE = 'C2P_TEST_SIGNING_PASSWORD';

let environment: RealEnvironment;
let site: RealSite;
let env: RealSite['env'];

beforeAll(async () => {
  environment = await RealEnvironment.shared();
  site = await environment.site('pkcs12');
  await changeProgram(site.configPath, (program) => {
    program.signingKey = {
      path: 'keys/signing.p12',
      alias: SANDBOX_KEY_ALIAS,
      passwordEnv: PASSWORD_VARIABLE,
    };
    program.contentEncryption = 'A256GCM';
    program.policy = { polling: { initial: '200ms', maximum: '1s' } };
  });
  env = site.env;
});
afterAll(() => environment.close());

async function enroll(id: string, ...options: string[]) {
  const path = await writeRecords(join(site.folder, `${id}.jsonl`), testRecords(2));
  return c2p(['enroll', path, ...options], env);
}

describe('c2p worker', () => {
  test('does not start without the password of its signing key, and says where it is looked for', async () => {
    const { exitCode, stderr } = await c2p(['worker'], env);
    expect(stderr).toContain('programs.demo.signingKey.passwordEnv: the environment variable');
    expect(exitCode).toBe(2);
  });

  test('does not start with the wrong password', async () => {
    const { exitCode, stderr } = await c2p(['worker'], { ...env, [PASSWORD_VARIABLE]: 'not it' });
    expect(stderr).toMatch(/signing\.p12: the password does not open the file/);
    expect(stderr).not.toContain('not it');
    expect(exitCode).toBe(2);
  });

  describe('with a PKCS#12 key and A256GCM', () => {
    let worker: RealWorker;
    beforeAll(async () => {
      process.env[PASSWORD_VARIABLE] = SANDBOX_KEY_PASSWORD;
      worker = await site.startWorker();
    });
    afterAll(() => void delete process.env[PASSWORD_VARIABLE]);

    test('enrolls a batch', async () => {
      const { exitCode, stdout } = await enroll('with-pkcs12', '--wait');
      expect(stdout).toContain('COMPLETED · 2 cards: 2 enrolled');
      expect(exitCode).toBe(0);
      expect(site.simulator.accepted().map(({ externalBatchId }) => externalBatchId)).toEqual([
        'with-pkcs12',
      ]);
    });

    test('leaves a batch whose status can be asked for when it is dead', async () => {
      const id = 'sim-never-terminal';
      await enroll(id);
      await expect
        .poll(async () => (await c2p(['status', id], env)).stdout, { timeout: 20_000 })
        .toContain('PROCESSING');
      await worker.kill();

      const { exitCode, stdout } = await c2p(['status', id, '--json'], env);
      expect(JSON.parse(stdout)).toMatchObject({
        externalBatchId: id,
        status: 'PROCESSING',
        batchIds: [expect.any(String)],
        counts: { cards: 2, pending: 2 },
        error:
          "no worker answers on task queue 'c2p-pkcs12'; start one with: c2p worker. Shown is the last known state",
      });
      expect(exitCode).toBe(0);
    });
  });
});
