import { readdirSync, readFileSync } from 'node:fs';
import { DeterminismViolationError } from '@temporalio/workflow';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goldenPaths } from '../../dev/golden-paths.js';
import { goldenBulkPaths } from '../../dev/golden-bulk-paths.js';
import { CLOSED_STATUSES } from '../../enrollment/batch.js';
import { CLOSED_BULK_STATUSES } from '../../enrollment/bulk.js';
import { quietRuntime } from '../support/quiet-runtime.js';
import { Replayer } from '../support/replay.js';
import { testBundle } from '../support/workflow-bundle.js';

/**
 * Histories of real runs, recorded with the version that their name begins with. A change of the
 * workflow that breaks one of them would break batches that are running: guard it with `patched`.
 */
const FOLDER = new URL('../histories/', import.meta.url);
const recorded = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

interface JsonHistory {
  events: {
    eventType: string;
    activityTaskScheduledEventAttributes?: { activityType: { name: string } };
  }[];
}

function read(name: string): JsonHistory {
  return JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as JsonHistory;
}

let replayer: Replayer;
beforeAll(() => {
  quietRuntime();
  replayer = new Replayer(testBundle());
});
afterAll(() => replayer.close());

test('every status that a batch or a job can close with is the end of a golden path, and every path is recorded', () => {
  expect(new Set(goldenPaths.map(({ ends }) => ends))).toEqual(new Set(CLOSED_STATUSES));
  expect(new Set(goldenBulkPaths.map(({ ends }) => ends))).toEqual(new Set(CLOSED_BULK_STATUSES));
  const unrecorded = [...goldenPaths, ...goldenBulkPaths].filter(
    ({ name }) => !recorded.some((file) => isOf(name).test(file)),
  );
  expect(unrecorded).toEqual([]);
});

/** The files with the histories of a path: `<version>-<path>.json`, a run each where it was handed over. */
function isOf(path: string): RegExp {
  return new RegExp(`^\\d+\\.\\d+\\.\\d+-${path}(-run-\\d+)?\\.json$`);
}

test.each(recorded)('%s replays', async (name) => {
  await replayer.replay(read(name), name);
});

test('a history in which another activity was run is told apart with DeterminismViolationError', async () => {
  const history = read(recorded[0]!);
  const scheduled = history.events.find((event) => event.activityTaskScheduledEventAttributes);
  scheduled!.activityTaskScheduledEventAttributes!.activityType.name = 'anotherActivity';

  await expect(replayer.replay(history, 'tampered')).rejects.toThrow(DeterminismViolationError);
});
