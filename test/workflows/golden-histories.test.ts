import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLOSED_STATUSES } from '../../enrollment/batch.js';
import { CLOSED_BULK_STATUSES } from '../../enrollment/bulk.js';
import { FAILURE_CONVERTER_PATH } from '../../protection/data-converter.js';
import { scenarios } from '../scenarios/index.js';
import {
  readHistory,
  recordedNames,
  textOf,
  workflowIdIn,
  workflowOf,
} from '../scenarios/recorded-histories.js';
import type { Scenario } from '../scenarios/scenario.js';
import { quietRuntime } from '../support/quiet-runtime.js';
import { testRecord } from '../support/records.js';
import { Replayer } from '../support/replay.js';
import { testBundle } from '../support/workflow-bundle.js';

/**
 * The histories of every way that a batch, a job and a sweep can go, as `npm run record-histories` wrote them down.
 * A change to a workflow that breaks one of them would break those that are running.
 */
const recorded = await recordedNames();
const workflows = [...new Set(recorded.map(workflowOf))];

let replayer: Replayer;
beforeAll(() => {
  quietRuntime();
  replayer = new Replayer(testBundle());
});
afterAll(() => replayer.close());

describe('the recorded histories', () => {
  test('are of every scenario, and of no other', () => {
    const expected = scenarios.flatMap(({ name, of }) => (of === 'job' ? [name, `${name}-batch-1`] : [name]));
    expect(workflows.sort()).toEqual(expected.sort());
  });

  test('end with every status that a batch or a job can close with', () => {
    const ends = (what: Scenario['of']) =>
      new Set(scenarios.filter(({ of }) => of === what).map(({ ends }) => ends));
    expect(ends('batch')).toEqual(new Set(CLOSED_STATUSES));
    expect(ends('job')).toEqual(new Set(CLOSED_BULK_STATUSES));
  });

  test('are of several runs where the workflow was handed over', () => {
    for (const { name, isHandedOver } of scenarios)
      expect(recorded.includes(`${name}-run-2`), name).toBe(isHandedOver);
  });

  /** Ciphertext, and what only `testRecords` have. */
  const HIDDEN = /binary\/encrypted|"primaryAccountNumber"|52047316\d{8}|@example\.com/;

  test.each(recorded)(
    'replay, and hold no cardholder data and nothing that a key would open: %s',
    async (name) => {
      const history = await readHistory(name);
      expect(textOf(history)).not.toMatch(HIDDEN);
      await replayer.replay(history, workflowIdIn(history));
    },
  );

  test('would be found to hold a record that is in one of their payloads', () => {
    const data = Buffer.from(JSON.stringify(testRecord(1))).toString('base64');
    expect(textOf({ events: [{ eventType: '', input: { payloads: [{ data }] } }] })).toMatch(HIDDEN);
  });
});

describe('a replay tells a workflow that was changed', () => {
  test('where it ran another activity', async () => {
    const history = await readHistory('completed');
    const scheduled = history.events.find((event) => event.activityTaskScheduledEventAttributes);
    scheduled!.activityTaskScheduledEventAttributes!.activityType.name = 'anotherActivity';

    await expect(replayer.replay(history, workflowIdIn(history))).rejects.toThrow(DeterminismViolationError);
  });

  test('where a release begins with a command that the last one had not', async () => {
    const { code } = await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('../real/workflows/incompatible-release.ts', import.meta.url)),
      failureConverterPath: FAILURE_CONVERTER_PATH,
      logger: new DefaultLogger('ERROR'),
    });
    const incompatible = new Replayer({ code });
    const history = await readHistory('completed');
    await expect(incompatible.replay(history, workflowIdIn(history))).rejects.toThrow(
      DeterminismViolationError,
    );
    await incompatible.close();
  });
});
