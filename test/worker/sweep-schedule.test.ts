import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ScheduleClient } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startEmbeddedTemporal, type EmbeddedTemporal } from '../../dev/embedded-temporal.js';
import { findOrInstallTemporalCli } from '../../dev/temporal-cli.js';
import { protectedDataConverter } from '../../protection/data-converter.js';
import { payloadKeyId } from '../../protection/payload-codec.js';
import {
  ensureSweepSchedule,
  scheduleSweep,
  sweepScheduleId,
  type SchedulePlace,
} from '../../worker/sweep-schedule.js';
import { grpcError } from '../retention/fake-temporal.js';
import { testKeyId, testRing } from '../support/key-rings.js';

const HOUR = 3_600_000;
const SWEEP = { every: HOUR, grace: 24 * HOUR };

let folder: string;
let server: EmbeddedTemporal;
let connection: NativeConnection;
let place: SchedulePlace;
let schedules: ScheduleClient;
const keyRing = testRing(1);
const rotated = testRing(1, 2);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-sweep-schedule-'));
  server = await startEmbeddedTemporal({ logFile: join(folder, 'temporal.log') });
  connection = await NativeConnection.connect({ address: server.address });
  place = { connection, namespace: 'default', dataConverter: protectedDataConverter(keyRing) };
  schedules = new ScheduleClient(place);
});
afterAll(async () => {
  await connection?.close();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Temporal's answer to a worker that may not do what it asks for. */
async function warningOf(config: Parameters<typeof ensureSweepSchedule>[1]): Promise<string> {
  const denied = () => Promise.reject(grpcError(7));
  const workflowService = { describeSchedule: denied, createSchedule: denied, deleteSchedule: denied };
  const logger = { info: vi.fn(), warn: vi.fn() };
  await scheduleSweep(
    { ...place, connection: { workflowService } as unknown as NativeConnection },
    config,
    logger,
  );
  expect(logger.info).not.toHaveBeenCalled();
  expect(logger.warn).toHaveBeenCalledTimes(1);
  const [, message] = logger.warn.mock.calls[0] as [unknown, string];
  return message;
}

describe('the schedule of the sweep', () => {
  it('is made once, changed when the configuration has changed, and removed when it is switched off', async () => {
    const config = { taskQueue: 'life', sweep: SWEEP };
    const ensure = (sweep: typeof SWEEP | false) => ensureSweepSchedule(place, { ...config, sweep });
    expect(await ensure(SWEEP)).toBe('created');
    expect(await ensure(SWEEP)).toBe('unchanged');
    expect(await ensure({ ...SWEEP, grace: HOUR })).toBe('updated');
    expect(await ensure({ ...SWEEP, grace: HOUR })).toBe('unchanged');
    expect(await ensure({ every: 2 * HOUR, grace: HOUR })).toBe('updated');
    expect(await schedules.getHandle(sweepScheduleId('life')).describe()).toMatchObject({
      spec: { intervals: [{ every: 2 * HOUR }] },
      action: { taskQueue: 'life', args: [{ graceMs: HOUR }] },
      policies: { overlap: 'SKIP', catchupWindow: 60_000 },
    });
    expect(await ensure(false)).toBe('deleted');
    expect(await ensure(false)).toBe('absent');
    expect(await ensure(SWEEP)).toBe('created');
  });

  it('is made by one of many workers that start at once', async () => {
    const config = { taskQueue: 'crowd', sweep: SWEEP };
    const changes = await Promise.all(Array.from({ length: 8 }, () => ensureSweepSchedule(place, config)));
    expect(changes.sort()).toEqual(['created', ...Array<string>(7).fill('unchanged')]);
  });

  it('stays paused when an operator has paused it, also when it is changed', async () => {
    const config = { taskQueue: 'paused', sweep: SWEEP };
    await ensureSweepSchedule(place, config);
    const handle = schedules.getHandle(sweepScheduleId('paused'));
    await handle.pause('by a test');
    expect(await ensureSweepSchedule(place, config)).toBe('unchanged');
    const changed = { ...config, sweep: { ...SWEEP, grace: HOUR } };
    expect(await ensureSweepSchedule(place, changed)).toBe('updated');
    expect(await handle.describe()).toMatchObject({
      action: { args: [{ graceMs: HOUR }] },
      state: { paused: true, note: 'by a test' },
    });
  });
});

describe('the arguments of the schedule', () => {
  const config = { taskQueue: 'encrypted', sweep: SWEEP };
  const ensure = (dataConverter: SchedulePlace['dataConverter']) =>
    ensureSweepSchedule({ ...place, dataConverter }, config);
  async function keyIds() {
    const { raw } = await schedules.getHandle(sweepScheduleId('encrypted')).describe();
    return raw.schedule?.action?.startWorkflow?.input?.payloads?.map(payloadKeyId);
  }

  it('are encrypted, follow the current key, and are in clear only where the codec is switched off', async () => {
    schedules = new ScheduleClient({ ...place, dataConverter: protectedDataConverter(rotated) });
    expect(await ensure(protectedDataConverter(keyRing))).toBe('created');
    expect(await keyIds()).toEqual([testKeyId(1)]);
    expect(await ensure(protectedDataConverter(rotated))).toBe('updated');
    expect(await keyIds()).toEqual([testKeyId(2)]);
    expect(await ensure(protectedDataConverter(rotated))).toBe('unchanged');
    expect(await ensure(protectedDataConverter(rotated, { codec: false }))).toBe('updated');
    expect(await keyIds()).toEqual([undefined]);
  });
});

describe('a worker that may not make schedules', () => {
  it('goes on, and names a command that makes exactly the schedule that it wanted', async () => {
    const config = { taskQueue: 'denied', sweep: { every: HOUR, grace: 25 * HOUR } };
    const warning = await warningOf(config);
    expect(warning).toContain('c2p sweep --erase');
    const line = /^ {2}temporal (schedule create .*) --input '(.*)'(.*)$/m.exec(warning)!;
    const args = [...line[1]!.split(' '), '--input', line[2]!, ...line[3]!.trim().split(' ')].filter(Boolean);
    const { path } = await findOrInstallTemporalCli();
    await execa(path, [...args, '--address', server.address]);
    expect(await ensureSweepSchedule(place, config)).toBe('unchanged');
  });

  it('names the command that removes the schedule when the sweep is switched off', async () => {
    const config = { taskQueue: 'switched-off', sweep: SWEEP };
    await ensureSweepSchedule(place, config);
    const warning = await warningOf({ ...config, sweep: false });
    const [, args] = /^ {2}temporal (schedule delete .*)$/m.exec(warning)!;
    const { path } = await findOrInstallTemporalCli();
    await execa(path, [...args!.split(' '), '--address', server.address]);
    expect(await ensureSweepSchedule(place, { ...config, sweep: false })).toBe('absent');
  });
});
