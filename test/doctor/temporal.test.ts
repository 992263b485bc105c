import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startEmbeddedTemporal, type EmbeddedTemporal } from '../../dev/embedded-temporal.js';
import { checkNamespace } from '../../doctor/namespace.js';
import { checkSearchAttributes } from '../../doctor/search-attributes.js';
import { checkSweep } from '../../doctor/sweep.js';
import { checkTaskQueues } from '../../doctor/task-queues.js';
import { checkTemporal, type TemporalPlace } from '../../doctor/temporal.js';
import { checkWorkerVersions } from '../../doctor/worker-versions.js';
import { ensureSearchAttributes } from '../../worker/search-attributes.js';
import { protectedDataConverter } from '../../protection/data-converter.js';
import { KeyRing } from '../../protection/key-ring.js';
import { ensureSweepSchedule, sweepScheduleId } from '../../worker/sweep-schedule.js';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.js';

const SWEEP = { taskQueue: 'c2p-doctor', sweep: { every: 3_600_000, grace: 86_400_000 } };

let folder: string;
let server: EmbeddedTemporal;
let place: TemporalPlace;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-doctor-'));
  server = await startEmbeddedTemporal({ logFile: join(folder, 'temporal.log') });
  const found = await connect(server.address);
  expect(found.finding).toMatchObject({ status: 'ok' });
  place = found.place!;
});
afterEach(() => void vi.unstubAllEnvs());
afterAll(async () => {
  await place.connection.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

function connect(address: string) {
  vi.stubEnv('TEMPORAL_ADDRESS', address);
  vi.stubEnv('TEMPORAL_NAMESPACE', undefined);
  return checkTemporal();
}

/** A namespace of its own, once it is known everywhere. */
async function namespaceOf(namespace: string): Promise<TemporalPlace> {
  await place.connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: (3 * 86_400) as never },
  });
  await vi.waitFor(() => ensureSearchAttributes(place.connection, namespace, { Probe: 'BOOL' }), {
    timeout: 60_000,
    interval: 500,
  });
  return { ...place, namespace };
}

describe('Temporal', () => {
  test('that nobody answers for fails with its address', async () => {
    const { finding, place: none } = await connect('127.0.0.1:9');
    expect(none).toBeUndefined();
    expect(finding).toMatchObject({
      status: 'failed',
      found: expect.stringContaining('127.0.0.1:9 cannot be reached') as string,
    });
  });

  test('with a profile that cannot be read fails without quoting it', async () => {
    const file = join(folder, 'temporal.toml');
    await writeFile(file, '[profile.default]\napi_key = "secret-of-ours\n');
    vi.stubEnv('TEMPORAL_CONFIG_FILE', file);
    const { finding } = await connect(server.address);
    expect(finding).toMatchObject({ status: 'failed' });
    expect(JSON.stringify(finding)).not.toContain('secret-of-ours');
  });
});

describe('the namespace', () => {
  test('is reported with its retention', async () => {
    const own = await namespaceOf('doctor-retention');
    expect(await checkNamespace(own)).toMatchObject({
      status: 'ok',
      found: "'doctor-retention' keeps closed workflows for 3 days",
    });
  });

  test('that does not exist fails with the command that makes it', async () => {
    expect(await checkNamespace({ ...place, namespace: 'nowhere' })).toMatchObject({
      status: 'failed',
      todo: expect.stringContaining('namespace create --namespace nowhere') as string,
    });
  });
});

describe('the search attributes', () => {
  test('that are not registered are named, and not registered by looking', async () => {
    const own = await namespaceOf('doctor-attributes');
    expect(await checkSearchAttributes(own)).toMatchObject({
      status: 'failed',
      found: `'doctor-attributes' lacks ${Object.keys(SEARCH_ATTRIBUTES).join(', ')}`,
    });
    expect(await checkSearchAttributes(own)).toMatchObject({ status: 'failed' });
    await ensureSearchAttributes(place.connection, own.namespace, SEARCH_ATTRIBUTES);
    expect(await checkSearchAttributes(own)).toMatchObject({ status: 'ok', found: 'all 7 are registered' });
  });

  test('of a wrong type fail', async () => {
    const own = await namespaceOf('doctor-types');
    const wrong = { ...SEARCH_ATTRIBUTES, C2pRecords: 'KEYWORD' } as const;
    await ensureSearchAttributes(place.connection, own.namespace, wrong);
    expect(await checkSearchAttributes(own)).toMatchObject({
      status: 'failed',
      found: expect.stringContaining("'C2pRecords'") as string,
    });
  });
});

describe('the task queues', () => {
  test('that no worker polls fail, each by its name', async () => {
    expect(await checkTaskQueues(place, { taskQueue: 'idle' }, ['demo'])).toMatchObject([
      { status: 'failed', found: "no worker polls 'idle' for workflows" },
      { status: 'failed', program: 'demo', found: "no worker polls 'idle-demo' for activities" },
    ]);
  });
});

describe('the sweep', () => {
  let worker: NativeConnection;
  beforeAll(async () => void (worker = await NativeConnection.connect({ address: server.address })));
  afterAll(() => worker.close());
  const schedules = () => ({
    connection: worker,
    namespace: 'default',
    dataConverter: protectedDataConverter(KeyRing.parse(KeyRing.generate(), 'test')),
  });

  test('is a warning when it is not scheduled, well when it is, a warning with the reason when it is paused', async () => {
    expect(await checkSweep(place, SWEEP)).toMatchObject({ status: 'warning' });
    await ensureSweepSchedule(schedules(), SWEEP);
    expect(await checkSweep(place, SWEEP)).toMatchObject({
      status: 'ok',
      found: expect.stringMatching(/^'c2p-sweep\/c2p-doctor', next at 20/) as string,
    });
    await place.connection.workflowService.patchSchedule({
      namespace: 'default',
      scheduleId: sweepScheduleId(SWEEP.taskQueue),
      patch: { pause: 'disk is being moved' },
    });
    expect(await checkSweep(place, SWEEP)).toMatchObject({
      status: 'warning',
      found: "'c2p-sweep/c2p-doctor' is paused: disk is being moved",
    });
  });

  test('that is switched off is well, unless there is a schedule all the same', async () => {
    expect(await checkSweep(place, { taskQueue: 'off', sweep: false })).toMatchObject({ status: 'ok' });
    const on = { ...SWEEP, taskQueue: 'off' };
    await ensureSweepSchedule(schedules(), on);
    expect(await checkSweep(place, { ...on, sweep: false })).toMatchObject({ status: 'warning' });
  });
});

describe('the worker versions', () => {
  test('fail where no worker of the deployment ever ran', async () => {
    expect(await checkWorkerVersions(place, 'never')).toMatchObject({
      status: 'failed',
      found: "no worker has been started in the deployment 'never'",
    });
  });
});
