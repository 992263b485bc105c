import { createPrivateKey, createPublicKey } from 'node:crypto';
import { chmod, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Finding } from '../../doctor/index.js';
import { findLeaks, needlesOf } from '../support/leak-search.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';
import { testRecords } from '../support/records.js';
import { certificate, pem, rsaKeyPair } from '../mastercard/key-files.js';
import { c2p, c2pProcess, changeProgram } from './command-line.js';

let environment: RealEnvironment;
let site: RealSite;
beforeAll(async () => {
  environment = await RealEnvironment.shared();
  site = await environment.site('doctor');
  await site.startWorker();
  await untilPolled(site);
});
afterAll(() => environment.close());

async function doctor(where: RealSite = site, ...options: string[]) {
  const { exitCode, stdout, stderr } = await c2p(['doctor', '--json', ...options], where.env);
  const found = exitCode === 2 ? [] : (JSON.parse(stdout) as Finding[]);
  const of = (status: Finding['status']) =>
    found.filter((finding) => finding.status === status).map(({ check }) => check);
  return { exitCode, stderr, found, failed: of('failed'), warned: of('warning'), skipped: of('skipped') };
}

/** Until Temporal knows that a worker polls each task queue of a site: it hears of that after the worker is ready. */
function untilPolled(where: RealSite): Promise<void> {
  return vi.waitFor(async () => expect((await doctor(where)).failed).not.toContain('task-queue'), {
    timeout: 20_000,
  });
}

/** Breaks something of a site that runs, looks, and mends it again. */
async function broken(change: () => Promise<unknown>, mend: () => Promise<unknown>, ...options: string[]) {
  await change();
  try {
    return await doctor(site, ...options);
  } finally {
    await mend();
  }
}

async function withProgram(change: (program: Record<string, unknown>) => void, ...options: string[]) {
  const before = await readFile(site.configPath);
  return broken(
    () => changeProgram(site.configPath, change),
    () => writeFile(site.configPath, before),
    ...options,
  );
}

describe('c2p doctor', () => {
  test('exits with 0 where all is well, and says in a line each what it looked at', async () => {
    const json = await doctor();
    expect(json).toMatchObject({ exitCode: 0, failed: [], warned: [], skipped: [] });
    expect(json.found[0]).toEqual({
      check: 'configuration',
      status: 'ok',
      found: `${site.configPath}, programs: demo (API: batch-enroll)`,
    });
    const env = site.env;
    const { exitCode, stdout, stderr } = await c2p(['doctor'], env);
    expect(exitCode).toBe(0);
    const lines = stdout.split('\n');
    expect(lines).toHaveLength(json.found.length);
    expect(lines.filter((line) => !line.startsWith('✓ '))).toEqual([]);
    expect(lines.at(-1)).toMatch(/^✓ gateway of demo: http:/);
    expect(stderr).toBe(`checks: ${lines.length}, failed: 0, warnings: 0, skipped: 0`);
  });

  test('warns where NODE_TLS_REJECT_UNAUTHORIZED is 0, and verifies certificates all the same', async () => {
    const { exitCode, stdout } = await c2pProcess(['doctor', '--offline'], {
      ...site.env,
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
    });
    expect(stdout).toMatch(
      /^! certificates: NODE_TLS_REJECT_UNAUTHORIZED=0 is ignored, certificates are verified → take it out/m,
    );
    expect(exitCode).toBe(0);
  });

  test('shows no secret, however it is asked and whatever is wrong', async () => {
    const keys = join(site.folder, 'keys');
    const ring = JSON.parse(await readFile(join(keys, 'data-keys.json'), 'utf8')) as {
      keys: Record<string, string>;
    };
    const pem = await readFile(join(keys, 'signing.pem'), 'utf8');
    const secrets: Record<string, string> & Record<'password' | 'mistaken' | 'token', string> = {
      password: 'a-password-to-be-recognised',
      mistaken: 'PasswordInTheWrongPlace1',
      token: 'an-api-key-to-be-recognised',
      ...ring.keys,
      ...Object.fromEntries(
        pem
          .split('\n')
          .filter((line) => /^[\w+/]{64}$/.test(line))
          .entries(),
      ),
    };
    const path = 'keys/signing-encrypted.pem';
    const encryption = { cipher: 'aes-256-cbc', passphrase: secrets.password };
    const encrypted = createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem', ...encryption });
    await writeFile(join(site.folder, path), encrypted, { mode: 0o600 });
    const env = {
      ...site.env,
      C2P_DEBUG: '1',
      RIGHT: secrets.password,
      WRONG: secrets.token,
    };
    const before = await readFile(site.configPath);
    const said: string[] = [];
    for (const passwordEnv of ['RIGHT', 'WRONG', secrets.mistaken]) {
      await changeProgram(site.configPath, (program) => (program.signingKey = { path, passwordEnv }));
      const apiKey = passwordEnv === 'WRONG' ? { TEMPORAL_API_KEY: secrets.token } : undefined;
      const runs = [[], ['--json'], ['--offline', '--json']].map((options) =>
        c2p(['doctor', ...options], { ...env, ...apiKey }),
      );
      for (const { exitCode, stdout, stderr } of await Promise.all(runs)) {
        expect(exitCode).toBe(passwordEnv === 'RIGHT' ? 0 : 1);
        said.push(stdout, stderr);
      }
    }
    await writeFile(site.configPath, before);
    const needles = Object.entries(secrets).flatMap(([name, secret]) => needlesOf(name, secret));
    expect(needles.length).toBeGreaterThan(20 * 5);
    expect(findLeaks([{ name: 'doctor', bytes: Buffer.from(said.join('\n')) }], needles)).toEqual([]);
    expect(said.join('\n')).not.toMatch(/PRIVATE KEY/);
  });

  test('refuses a signing key that others can read, skips what needs it, and so does a worker', async () => {
    const path = join(site.folder, 'keys', 'signing.pem');
    const result = await broken(
      async () => {
        await chmod(path, 0o644);
        const env = site.env;
        const { exitCode, stderr } = await c2pProcess(['worker'], env);
        expect(exitCode).toBe(2);
        expect(stderr).toContain('programs.demo.signingKey.path: others can read it (mode 0644)');
      },
      () => chmod(path, 0o600),
    );
    expect(result).toMatchObject({
      exitCode: 1,
      failed: ['key-file'],
      skipped: ['signing-key', 'clock', 'gateway'],
    });
  });

  test('says that Mastercard does not know the signature of another key', async () => {
    const path = join(site.folder, 'keys', 'signing.pem');
    const result = await broken(
      async () => {
        await rename(path, `${path}.away`);
        await writeFile(path, pem(rsaKeyPair().privateKey, 'pkcs8'), { mode: 0o600 });
      },
      () => rename(`${path}.away`, path),
    );
    expect(result).toMatchObject({ exitCode: 1, failed: ['gateway'], skipped: [] });
    expect(result.found.at(-1)!.todo).toContain('fingerprint');
  });

  test('skips the store when the key ring is missing', async () => {
    const path = join(site.folder, 'keys', 'data-keys.json');
    const result = await broken(
      () => rename(path, `${path}.away`),
      () => rename(`${path}.away`, path),
    );
    expect(result).toMatchObject({
      exitCode: 1,
      failed: ['key-file'],
      skipped: ['data-keys', 'store', 'free-space', 'store-keys', 'key-ring-probe'],
    });
  });

  test('fails for a program without a worker, unless it is asked about another one', async () => {
    const before = await readFile(site.configPath, 'utf8');
    const config = JSON.parse(before) as { programs: Record<string, object> };
    config.programs.new = config.programs.demo!;
    await writeFile(site.configPath, JSON.stringify(config));
    try {
      const all = await doctor();
      expect(all).toMatchObject({ exitCode: 1, failed: ['task-queue'] });
      expect(all.found.find(({ status }) => status === 'failed')).toMatchObject({ program: 'new' });
      expect(await doctor(site, '--program', 'demo')).toMatchObject({ exitCode: 0, failed: [] });
    } finally {
      await writeFile(site.configPath, before);
    }
  });

  test('says of Temporal that it does not answer, or lacks the namespace, and skips what is there', async () => {
    const inNamespace = ['search-attributes', 'task-queue', 'sweep'];
    const env = site.env;
    const nowhere = await c2p(['doctor', '--json'], { ...env, TEMPORAL_NAMESPACE: 'nowhere' });
    const found = JSON.parse(nowhere.stdout) as Finding[];
    expect(found.filter(({ status }) => status !== 'ok').map(({ check }) => check)).toEqual([
      'namespace',
      ...inNamespace,
    ]);
    const away = await c2p(['doctor', '--json'], { ...env, TEMPORAL_ADDRESS: '127.0.0.1:9' });
    const foundAway = JSON.parse(away.stdout) as Finding[];
    expect(foundAway.filter(({ status }) => status !== 'ok').map(({ check }) => check)).toEqual([
      'temporal',
      'namespace',
      ...inNamespace,
    ]);
    expect([nowhere.exitCode, away.exitCode]).toEqual([1, 1]);
  });

  test('leaves the network alone with --offline', async () => {
    const before = site.simulator.requests().length;
    const result = await withProgram((program) => {
      program.encryptionKey = { jwksUrl: 'http://127.0.0.1:9/keys' };
      program.baseUrl = 'http://127.0.0.1:9';
    }, '--offline');
    expect(result).toMatchObject({ exitCode: 0, failed: [] });
    expect(result.skipped).toEqual([
      'encryption-key',
      'temporal',
      'namespace',
      'search-attributes',
      'task-queue',
      'sweep',
      'clock',
      'gateway',
    ]);
    expect(site.simulator.requests()).toHaveLength(before);
  });

  test('exits with 1 for a configuration that cannot be used, and tells every problem of it', async () => {
    const result = await withProgram((program) => {
      program.srcClientId = 'wrong';
      program.consumerKey = 'wrong';
    });
    expect(result).toMatchObject({ exitCode: 1, failed: ['configuration', 'configuration'] });
  });

  test('exits with 2 for a program that is not there, and for an option that does not exist', async () => {
    const unknown = await doctor(site, '--program', 'other');
    expect(unknown).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("'other'") as string });
    expect((await doctor(site, '--verbose')).exitCode).toBe(2);
  });
});

describe('c2p doctor, of a site with versioning,', () => {
  test('fails until a version is current, and sees the workers of a version', async () => {
    const versioned = await environment.site('doctor-versioned');
    const config = JSON.parse(await readFile(versioned.configPath, 'utf8')) as object;
    const deploymentName = 'c2p-doctor-versioned';
    await writeFile(
      versioned.configPath,
      JSON.stringify({ ...config, versioning: { deployment: deploymentName } }),
    );
    expect((await doctor(versioned)).failed).toEqual(['task-queue', 'task-queue', 'worker-versions']);
    vi.stubEnv('TEMPORAL_WORKER_BUILD_ID', '7.0.0');
    await versioned.startWorker();
    vi.unstubAllEnvs();
    await untilPolled(versioned);
    expect((await doctor(versioned)).failed).toEqual(['worker-versions']);
    await environment.connection.workflowService.setWorkerDeploymentCurrentVersion({
      namespace: environment.namespace,
      deploymentName,
      buildId: '7.0.0',
    });
    const result = await doctor(versioned);
    expect(result).toMatchObject({ exitCode: 0, failed: [] });
    expect(result.found.find(({ check }) => check === 'worker-versions')).toMatchObject({
      found: `current of '${deploymentName}' is 7.0.0`,
    });
  });
});

test('a worker says in its log that a certificate has expired, and works', async () => {
  const expired = await environment.site('doctor-expired');
  const path = join(expired.folder, 'keys', 'mastercard.pem');
  const keys = await readFile(join(expired.folder, 'keys', 'mastercard-private.pem'), 'utf8');
  const privateKey = createPrivateKey(keys);
  const pair = { privateKey, publicKey: createPublicKey(privateKey) };
  await writeFile(path, certificate(pair, { to: new Date('2026-01-01') }));
  const { logFile } = await expired.startWorker();
  expect(await readFile(logFile, 'utf8')).toContain('the certificate of encryptionKey expired on 2026-01-01');
  const batch = await expired.client.enroll({
    externalBatchId: 'after-the-end',
    program: PROGRAM,
    records: testRecords(1),
    policy: { polling: { initial: '200ms' } },
  });
  expect(await batch.result()).toMatchObject({ status: 'COMPLETED' });
});
