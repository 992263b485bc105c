import { readdirSync, readFileSync } from 'node:fs';
import { DeterminismViolationError } from '@temporalio/workflow';
import {
  bundleWorkflowCode,
  DefaultLogger,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { beforeAll, expect, test } from 'vitest';
import { bundleSources } from '../../worker/workflow-bundle.js';

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

let workflowBundle: WorkflowBundleWithSourceMap;
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  workflowBundle = await bundleWorkflowCode({ ...bundleSources(), logger: new DefaultLogger('ERROR') });
});

test('there are histories of at least three ways that a batch can go', () => {
  expect(recorded.length).toBeGreaterThanOrEqual(3);
});

test.each(recorded)('%s replays', async (name) => {
  await Worker.runReplayHistory({ workflowBundle }, read(name), name);
});

test('a history in which another activity was run is told apart with DeterminismViolationError', async () => {
  const history = read(recorded[0]!);
  const scheduled = history.events.find((event) => event.activityTaskScheduledEventAttributes);
  scheduled!.activityTaskScheduledEventAttributes!.activityType.name = 'anotherActivity';

  await expect(Worker.runReplayHistory({ workflowBundle }, history, 'tampered')).rejects.toThrow(
    DeterminismViolationError,
  );
});
