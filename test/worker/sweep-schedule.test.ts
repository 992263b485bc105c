import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ScheduleClient } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startEmbeddedTemporal, type EmbeddedTemporal } from '../../dev/embedded-temporal.js';
import { findOrInstallTemporalCli } from '../../dev/temporal-cli.js';
import {
  ensureSweepSchedule,
  scheduleSweep,
  sweepScheduleId,
  type SchedulePlace,
} from '../../worker/sweep-schedule.js';
import { grpcError } from '../retention/fake-temporal.js';

const HOUR = 3_600_000;
const SWEEP = { every: HOUR, grace: 24 * HOUR };

let folder: string;
let server: EmbeddedTemporal;
let connection: NativeConnection;
let place: SchedulePlace;
let schedules: ScheduleClient;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-sweep-schedule-'));
  server = await startEmbeddedTemporal({ logFile: join(folder, 'temporal.log') });
  connection = await NativeConnection.connect({ address: server.address });
  place = { connection, namespace: 'default' };
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
    expect(await ensure({ ...SWEEP, every: 2 * HOUR })).toBe('updated');
    expect(await ensure({ ...SWEEP, every: 2 * HOUR })).toBe('unchanged');
    const schedule = await schedules.getHandle(sweepScheduleId('life')).describe();
    expect(schedule).toMatchObject({
      spec: { intervals: [{ every: 2 * HOUR }] },
      action: { taskQueue: 'life' },
      policies: { overlap: 'SKIP', catchupWindow: 60_000 },
    });
    expect(schedule.action.args ?? []).toEqual([]);
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
    const changed = { ...config, sweep: { ...SWEEP, every: 2 * HOUR } };
    expect(await ensureSweepSchedule(place, changed)).toBe('updated');
    expect(await handle.describe()).toMatchObject({
      spec: { intervals: [{ every: 2 * HOUR }] },
      state: { paused: true, note: 'by a test' },
    });
  });
});

describe('a worker that may not make schedules', () => {
  it('goes on, and names a command that makes exactly the schedule that it wanted', async () => {
    const config = { taskQueue: 'denied', sweep: { every: HOUR, grace: 25 * HOUR } };
    const warning = await warningOf(config);
    expect(warning).toContain('c2p sweep --erase');
    const [, args] = /^ {2}temporal (schedule create .*)$/m.exec(warning)!;
    const { path } = await findOrInstallTemporalCli();
    await execa(path, [...args!.split(' '), '--address', server.address]);
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
