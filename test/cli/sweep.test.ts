import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OrphanedBatch } from '../../client/index.js';
import { Blob } from '../../enrollment/blobs.js';
import { namespaceIdOf } from '../../retention/namespace.js';
import { putJson } from '../../store/store.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';
import { testRecords } from '../support/records.js';
import { c2p } from './command-line.js';

let environment: RealEnvironment;
let site: RealSite;
beforeAll(async () => {
  environment = await RealEnvironment.shared();
  site = await environment.site('cli-sweep');
  for (const externalBatchId of ['terminated', 'open'])
    await site.client.enroll({ externalBatchId, program: PROGRAM, records: testRecords(1) });
  await site.workflow('terminated').terminate('by a test');
  await seal('never-started', Blob.records('x', await namespaceIdOf(site.temporal)));
  await seal('of-another', Blob.records('x', '03840d46-dad9-3250-9938-b39d1357fbae'));
  await seal('of-a-version-before', 'records-x');
});
afterAll(() => environment.close());

/** As a caller leaves it that died before it started the workflow. */
function seal(externalBatchId: string, ref: string): Promise<void> {
  return putJson(site.store, { program: PROGRAM, externalBatchId }, ref, testRecords(1));
}

async function sweep(...args: string[]) {
  const env = site.env;
  const { exitCode, stdout, stderr } = await c2p(['sweep', ...args], env);
  const lines = stdout === '' ? [] : stdout.split('\n').map((line) => line.replace(/^\S+ +/, ''));
  return { exitCode, lines: lines.sort(), stderr, stdout };
}

test('without a grace time of its own, c2p sweep leaves alone what was written in the last day', async () => {
  expect(await sweep()).toMatchObject({ exitCode: 0, lines: [], stderr: 'orphaned batches: 0' });
});

const ENDED = 'ENDED      demo  terminated  1 blob';
const UNKNOWN = 'UNKNOWN    demo  never-started  1 blob';
const ELSEWHERE = ['ELSEWHERE  demo  of-a-version-before  1 blob', 'ELSEWHERE  demo  of-another  1 blob'];

test('c2p sweep lists orphans, then --erase closes or erases them, and --elsewhere what may be another namespace’s; an open batch is none', async () => {
  const all = { exitCode: 0, lines: [...ELSEWHERE, ENDED, UNKNOWN] };
  expect(await sweep('--grace', '0s')).toMatchObject({ ...all, stderr: 'orphaned batches: 4' });
  const { stdout } = await sweep('--grace', '0s', '--json');
  const found = JSON.parse(stdout) as OrphanedBatch[];
  expect(found.find(({ why }) => why === 'ENDED')).toEqual({
    program: PROGRAM,
    externalBatchId: 'terminated',
    why: 'ENDED',
    blobs: 1,
    lastWritten: expect.stringMatching(/^20\d\d-.*Z$/) as string,
  });

  const erasing = await sweep('--grace', '0s', '--erase');
  expect(erasing).toMatchObject({ ...all, stderr: 'orphaned batches: 4, erased: 2' });
  expect(await site.blobs('terminated')).toEqual([Blob.closed, Blob.outcomes]);
  expect(await site.client.batch('terminated').result()).toMatchObject({
    status: 'FAILED',
    counts: { cards: 1 },
  });
  expect(await site.blobs('never-started')).toEqual([]);
  const left = await sweep('--grace', '0s', '--erase');
  expect(left).toMatchObject({ lines: ELSEWHERE, stderr: 'orphaned batches: 2, erased: 0' });
  const elsewhere = await sweep('--grace', '0s', '--erase', '--elsewhere');
  expect(elsewhere).toMatchObject({ lines: ELSEWHERE, stderr: 'orphaned batches: 2, erased: 2' });
  expect(await sweep('--grace', '0s')).toMatchObject({ lines: [], stderr: 'orphaned batches: 0' });
  expect(await site.blobs('open')).toHaveLength(1);
});
