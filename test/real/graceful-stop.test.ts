import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { cliPath } from '../../dev/dev-environment.js';
import { writeSandboxConfig } from '../../dev/sandbox.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, RealEnvironment } from '../support/real-environment.js';
import { sandboxKeysIn } from '../support/sandbox-keys.js';

describe('a worker that is asked to stop with SIGTERM', () => {
  let environment: RealEnvironment;
  beforeAll(async () => {
    environment = await RealEnvironment.shared();
  });
  afterAll(() => environment.close());

  test('finishes the submission that it has begun, exits with 0, and leaves the rest to another one', async () => {
    const id = 'batch-1';
    const site = await environment.site('site');
    site.simulator.fault({ operation: 'enroll', fault: { kind: 'delay', ms: 5_000 } });
    const first = await site.startWorker();
    await site.client.enroll({
      externalBatchId: id,
      program: PROGRAM,
      records: testRecords(3),
      policy: { polling: { initial: '2s' } },
    });
    // Only a call to Mastercard heartbeats, and it began before.
    const workflow = site.workflow(id);
    await vi.waitUntil(
      async () => {
        const { raw } = await workflow.describe();
        return (raw.pendingActivities ?? []).some(({ lastHeartbeatTime }) => lastHeartbeatTime != null);
      },
      { timeout: 30_000, interval: 100 },
    );
    process.kill(first.pid, 'SIGTERM');
    expect(await first.ended).toBe('exit code 0');

    // The answer was waited for and recorded, so nobody has to offer the batch again.
    expect(site.simulator.accepted()).toMatchObject([{ externalBatchId: id, offers: [{ accepted: true }] }]);
    await site.startWorker();
    expect(await workflow.result()).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 3 } });
    expect(site.simulator.accepted()).toMatchObject([{ externalBatchId: id, offers: [{ accepted: true }] }]);
    const { events } = await workflow.fetchHistory();
    const submissions = (events ?? []).filter(
      (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'submitBatch',
    );
    expect(submissions).toHaveLength(1);
  });
});

describe('a worker whose configuration is wrong', () => {
  /** A Temporal that takes down who connects. */
  async function listener() {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    return { address: `127.0.0.1:${port}`, connections: () => connections };
  }

  async function runWorkerWith(change: (config: Config, folder: string) => void | Promise<void>) {
    const folder = await mkdtemp(join(tmpdir(), 'c2p-config-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const temporal = await listener();
    const keys = await sandboxKeysIn(folder);
    const baseUrl = `http://${temporal.address}/src`;
    const { configPath } = await writeSandboxConfig(keys, { baseUrl });
    const config = JSON.parse(await readFile(configPath, 'utf8')) as Config;
    await change(config, folder);
    await writeFile(configPath, JSON.stringify(config));
    const worker = await execa(process.execPath, [cliPath(), 'worker'], {
      env: { C2P_CONFIG: configPath, TEMPORAL_ADDRESS: temporal.address },
      stdin: 'ignore',
      reject: false,
      timeout: 60_000,
    });
    return { ...worker, connections: temporal.connections() };
  }

  interface Config {
    programs: Record<string, Record<string, unknown>>;
    [field: string]: unknown;
  }

  test('exits with 2 and names each wrong field by its path, before anything connects', async () => {
    const worker = await runWorkerWith((config) => {
      Object.assign(config.programs[PROGRAM] ?? {}, { srcClientId: 'not a UUID', requestsPerSecond: 0 });
    });
    expect(worker).toMatchObject({ exitCode: 2, connections: 0, stdout: '' });
    expect(worker.stderr).toContain(`programs.${PROGRAM}.srcClientId: `);
    expect(worker.stderr).toContain(`programs.${PROGRAM}.requestsPerSecond: `);
    expect(worker.stderr).not.toContain('not a UUID');
  });

  test('exits with 2 and names the path of a key file that is not there, before anything connects', async () => {
    const worker = await runWorkerWith((config) => {
      Object.assign(config.programs[PROGRAM] ?? {}, { signingKey: { path: 'keys/none.pem' } });
    });
    expect(worker).toMatchObject({ exitCode: 2, connections: 0 });
    expect(worker.stderr).toContain(`programs.${PROGRAM}.signingKey.path: file does not exist`);
  });

  test('exits with 2 for a key file that holds no key, before anything connects', async () => {
    const worker = await runWorkerWith(async (config, folder) => {
      await writeFile(join(folder, 'keys', 'empty.pem'), 'nothing');
      Object.assign(config.programs[PROGRAM] ?? {}, { encryptionKey: { path: 'keys/empty.pem' } });
    });
    expect(worker).toMatchObject({ exitCode: 2, connections: 0 });
    expect(worker.stderr).toContain('empty.pem');
  });
});
