import { describe, expect, it } from 'vitest';
import { defineSearchAttributeKey } from '@temporalio/common';
import { fateOf, mayGoOn, type Fate } from '../../retention/rule.js';
import { C2pBulkId, C2pRecords } from '../../workflows/search-attributes.js';
import { executionOf } from '../../retention/find-execution.js';
import { FakeTemporal, grpcError, type FakeExecution } from './fake-temporal.js';

const BATCH = { program: 'demo', externalBatchId: 'batch-1' };
const HOUR = 3_600_000;
const NOW = new Date('2026-11-30T12:00:00Z');
const ago = (hours: number) => new Date(NOW.getTime() - hours * HOUR);

function fate(execution: FakeExecution | undefined, lastWritten?: Date): Promise<Fate> {
  const temporal = new FakeTemporal();
  if (execution) temporal.has(BATCH, execution);
  return fateOf({ temporal: temporal.client(), graceMs: 24 * HOUR, now: NOW }, BATCH, lastWritten);
}

describe('a batch', () => {
  it.each(['RUNNING', 'PAUSED', 'CONTINUED_AS_NEW', 'UNKNOWN'] as const)(
    'is open while its workflow is %s, whenever it was written to',
    async (status) => {
      expect(await fate({ status }, ago(1_000))).toMatchObject({ kind: 'open' });
    },
  );

  it.each(['TERMINATED', 'TIMED_OUT', 'FAILED', 'COMPLETED', 'CANCELLED'] as const)(
    'whose workflow is %s is kept for the grace time, and then due',
    async (status) => {
      const closeTime = ago(23.5);
      expect(await fate({ status, closeTime }, ago(50))).toMatchObject({
        kind: 'kept',
        until: new Date(NOW.getTime() + HOUR / 2),
      });
      expect(await fate({ status, closeTime: ago(24) }, ago(50))).toMatchObject({ kind: 'due' });
    },
  );

  it('says why it is kept', async () => {
    expect(await fate({ status: 'TERMINATED', closeTime: ago(1) })).toMatchObject({
      why: 'its workflow was terminated directly in Temporal (TERMINATED)',
    });
    expect(await fate(undefined, ago(1))).toMatchObject({ why: 'its workflow is unknown to Temporal' });
  });

  it('that Temporal does not know is kept for as long after it was last written to', async () => {
    expect(await fate(undefined, ago(23))).toMatchObject({ kind: 'kept' });
    expect(await fate(undefined, ago(24))).toEqual({ kind: 'due', execution: undefined });
    expect(await fate(undefined)).toMatchObject({ kind: 'due' });
  });
});

it('no batch has a fate while Temporal does not answer', async () => {
  const temporal = new FakeTemporal();
  temporal.onDescribe = () => Promise.reject(grpcError(14));
  const retention = { temporal: temporal.client(), graceMs: HOUR, now: NOW };
  await expect(fateOf(retention, BATCH)).rejects.toThrow('Failed to describe workflow');
});

it('a workflow may go on while it is open, and within the grace time', async () => {
  const temporal = new FakeTemporal();
  const job = { program: 'demo', bulkId: 'job' };
  const goesOn = () =>
    mayGoOn({ temporal: temporal.client(), graceMs: HOUR, now: NOW }, 'bulk-enrollment/demo/job');
  expect(await goesOn()).toBe(false);
  temporal.hasJob(job, { status: 'RUNNING' });
  expect(await goesOn()).toBe(true);
  temporal.hasJob(job, { status: 'TERMINATED', closeTime: ago(0.5) });
  expect(await goesOn()).toBe(true);
  temporal.hasJob(job, { status: 'TERMINATED', closeTime: ago(1) });
  expect(await goesOn()).toBe(false);
});

it('reads the search attributes that the workflows write', async () => {
  const temporal = new FakeTemporal();
  const searchAttributes = { [C2pBulkId.name]: 'job', [C2pRecords.name]: 3 };
  temporal.has(BATCH, { status: 'RUNNING', searchAttributes });
  const execution = await executionOf(temporal.client(), 'batch-enrollment/demo/batch-1');
  expect(execution).toMatchObject({ bulkId: 'job', cards: 3 });
  expect([C2pBulkId, C2pRecords]).toEqual([
    defineSearchAttributeKey('C2pBulkId', 'KEYWORD'),
    defineSearchAttributeKey('C2pRecords', 'INT'),
  ]);
});
