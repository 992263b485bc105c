import { readFile, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { Client } from '@temporalio/client';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { BatchConflictError } from '../../client/index.js';
import { loadConfig } from '../../config/load.js';
import { protectedDataConverter } from '../../protection/data-converter.js';
import { nameOf } from '../../protection/derived-keys.js';
import type { KeyRingJson } from '../../protection/key-ring-json.js';
import { KeyRing } from '../../protection/key-ring.js';
import { blobsByKey } from '../../retention/key-usage.js';
import { c2p } from '../cli/command-line.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';

let environment: RealEnvironment;
let site: RealSite;
let ringPath: string;
beforeAll(async () => {
  environment = await RealEnvironment.start();
  site = await environment.site('key-rotation', { processingMs: 3_000, requestsPerSecond: 100 });
  const { dataKeys } = await loadConfig(site.configPath);
  ringPath = (dataKeys as { path: string }).path;
});
afterAll(() => environment.close());

async function keys(...args: string[]) {
  const env = site.env;
  const { exitCode, stderr } = await c2p(['keys', ...args], env);
  return { exitCode, stderr };
}

async function ringNow(): Promise<KeyRingJson> {
  return JSON.parse(await readFile(ringPath, 'utf8')) as KeyRingJson;
}

/** The ids of the keys of these names, which are in the ring or were. */
async function idsOf(...names: string[]): Promise<string[]> {
  const { keys: opening, retired } = await ringNow();
  const ids = Object.keys({ ...retired, ...opening });
  return names.map((name) => ids.find((id) => nameOf(id) === name)!);
}

/** As `keys`, but that a command prints the key ring. */
async function keysByCommand(...args: string[]) {
  const config = JSON.parse(await readFile(site.configPath, 'utf8')) as object;
  const configPath = `${site.configPath}.command.json`;
  await writeFile(configPath, JSON.stringify({ ...config, dataKeys: { command: ['/bin/cat', ringPath] } }));
  const env = { C2P_CONFIG: configPath, TEMPORAL_ADDRESS: environment.address };
  const { exitCode, stderr } = await c2p(['keys', ...args], env);
  return { exitCode, stderr };
}

async function currentKey(): Promise<string> {
  return (await ringNow()).current;
}

/** As if the last rotation had been an hour ago. */
async function anHourPasses(): Promise<void> {
  const ring = await ringNow();
  const currentSince = new Date(Date.now() - 3_600_000).toISOString();
  await writeFile(ringPath, JSON.stringify({ ...ring, currentSince }));
}

/** Marks each payload as a codec does that encrypts under this key. */
function codecOf(keyId: string): PayloadCodec {
  const marked = (payload: Payload): Payload => ({
    ...payload,
    metadata: { ...payload.metadata, 'encryption-key-id': Buffer.from(keyId) },
  });
  return {
    encode: (payloads) => Promise.resolve(payloads.map(marked)),
    decode: (payloads) => Promise.resolve(payloads),
  };
}

const ids = Array.from({ length: 50 }, (_, i) => `rotated-${i}`);
const recordsOf = (id: string) => testRecords(1 + (ids.indexOf(id) % 3));

describe('while the key ring is rotated', () => {
  test('50 batches run on two workers, none of which is restarted, and every one finishes', async () => {
    const workers = await Promise.all([site.startWorker(), site.startWorker()]);
    const running: Promise<{ status: string }>[] = [];
    for (const [i, externalBatchId] of ids.entries()) {
      const batch = await site.client.enroll({
        externalBatchId,
        program: PROGRAM,
        records: recordsOf(externalBatchId),
      });
      running.push(batch.result());
      // Three times, while batches are at every stage.
      if (i % 15 === 14) expect(await keys('rotate')).toMatchObject({ exitCode: 0 });
    }
    expect(nameOf(await currentKey())).toBe('k4');
    const results = await Promise.all(running);
    expect(results.filter(({ status }) => status !== 'COMPLETED')).toEqual([]);
    for (const { logFile } of workers) {
      const log = await readFile(logFile, 'utf8');
      expect(log).toContain('the key ring has changed');
      expect(log).not.toContain('the key ring has no such key');
    }
  }, 180_000);

  test('a batch is still told from another by digests of keys that are no longer current', async () => {
    for (const id of [ids[0]!, ids[49]!]) {
      const again = await site.client.enroll({
        externalBatchId: id,
        program: PROGRAM,
        records: recordsOf(id),
      });
      expect(await again.outcomes()).toHaveLength((await again.result()).counts.cards);
      const other = { externalBatchId: id, program: PROGRAM, records: testRecords(7) };
      await expect(site.client.enroll(other)).rejects.toThrow(BatchConflictError);
    }
  });
});

describe('a key that is retired', () => {
  test('is refused as long as a blob needs it, and accepted after all is sealed anew', async () => {
    // Whatever was sealed when: some blob that stays is under the key.
    await site.store.put({ program: PROGRAM, externalBatchId: 'kept' }, 'outcomes', Buffer.from('[]'));
    await keys('rotate');
    const [old] = (await idsOf('k4')) as [string];
    expect(await keys('retire', old)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('a process may still seal under it') as string,
    });
    await anHourPasses();
    const refused = await keys('retire', old);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toMatch(
      /key 'k4-\w+' is still needed and stays:\n {2}blobs of the store: \d+, of .*demo\/.*; run: c2p keys reseal/,
    );

    expect(await keys('reseal')).toMatchObject({ exitCode: 0 });
    const counts = await blobsByKey(site.store);
    expect([...counts.keys()].map(nameOf)).toEqual(['k5']);
    const gone = await idsOf('k1', 'k2', 'k3', 'k4');
    for (const key of gone)
      expect(await keys('retire', key)).toEqual({
        exitCode: 0,
        stderr: `${key} is retired: what was sealed under it never opens again`,
      });
    const ring = await ringNow();
    expect(Object.keys(ring.keys).map(nameOf)).toEqual(['k5']);
    expect(Object.keys(ring.retired ?? {})).toEqual(gone);

    for (const id of ids) {
      const batch = site.client.batch(id);
      expect((await batch.result()).status).toBe('COMPLETED');
      const records = recordsOf(id);
      const again = await site.client.enroll({ externalBatchId: id, program: PROGRAM, records });
      expect(await again.outcomes()).not.toEqual([]);
    }
  }, 120_000);

  test('is refused as long as an open workflow has a payload under it, in its history or its memo', async () => {
    const old = await currentKey();
    await keys('rotate');
    await anHourPasses();
    const { connection } = environment;
    const under = new Client({ connection, dataConverter: { payloadCodecs: [codecOf(old)] } });
    const start = (workflowId: string, client: Client, options: { args?: unknown[]; memo?: object }) =>
      client.workflow.start('whatever', {
        workflowId,
        taskQueue: 'nobody',
        args: options.args ?? [],
        memo: { ...options.memo },
      });
    const plain = new Client({ connection });
    const handles = [
      await start('with-input', under, { args: ['x'] }),
      await start('with-memo', under, { memo: { a: 1 } }),
    ];
    const others = [
      await start('without', plain, { args: [old], memo: { a: 'encryption-key-id' } }),
      await start(
        'under-another',
        new Client({ connection, dataConverter: { payloadCodecs: [codecOf(`${old}5`)] } }),
        {
          args: ['x'],
        },
      ),
    ];
    const signalled = await start('with-signal', plain, {});
    await under.workflow.getHandle('with-signal').signal('wake', 'up');
    handles.push(signalled);
    await vi.waitFor(
      async () => {
        const { exitCode, stderr } = await keys('retire', old);
        expect(exitCode).toBe(2);
        const [, named = ''] = /open workflows: 3, (.*); wait until they are closed/.exec(stderr) ?? [];
        expect(named.split(', ').sort()).toEqual(['with-input', 'with-memo', 'with-signal']);
      },
      { timeout: 30_000 },
    );
    for (const handle of handles) await handle.terminate();
    await vi.waitFor(async () => expect((await site.client.keyUsage(old)).workflows).toBe(0), {
      timeout: 30_000,
    });
    for (const handle of others) await handle.terminate();
  }, 120_000);

  test('is not needed by a schedule: that is saved again under the current key', async () => {
    const { connection } = environment;
    const [old] = (await idsOf('k5')) as [string];
    const before = KeyRing.parse({ ...(await ringNow()), current: old }, 'before');
    const under = new Client({ connection, dataConverter: protectedDataConverter(before) });
    const scheduleId = `s-${randomUUID()}`;
    await under.schedule.create({
      scheduleId,
      spec: { intervals: [{ every: '1d' }] },
      action: {
        type: 'startWorkflow',
        workflowType: 'whatever',
        taskQueue: 'nobody',
        args: [{ graceMs: 5 }],
      },
      state: { paused: true, note: 'kept' },
    });
    await vi.waitFor(async () => {
      const known: string[] = [];
      for await (const schedule of under.schedule.list()) known.push(schedule.scheduleId);
      expect(known).toContain(scheduleId);
    });
    expect(await keys('reseal')).toMatchObject({ exitCode: 0 });
    expect(await keysByCommand('retire', old)).toEqual({
      exitCode: 0,
      stderr: `nothing needs ${old} any more; c2p only reads the key ring: take it out where the command has it from`,
    });
    expect(await keys('retire', old)).toMatchObject({ exitCode: 0 });
    const { action, state, spec } = await site.temporal.schedule.getHandle(scheduleId).describe();
    expect(action).toMatchObject({ workflowType: 'whatever', args: [{ graceMs: 5 }] });
    expect(state).toMatchObject({ paused: true, note: 'kept' });
    expect(spec.intervals).toMatchObject([{ every: 86_400_000 }]);
    await under.schedule.getHandle(scheduleId).delete();
  }, 60_000);
});
