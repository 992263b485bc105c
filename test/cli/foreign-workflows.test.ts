import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { RealEnvironment, type RealSite } from '../support/real-environment.js';
import { c2p } from './command-line.js';

let environment: RealEnvironment;
let site: RealSite;

const payload = (data: string, encoding = 'json/plain') => ({
  metadata: { encoding: Buffer.from(encoding) },
  data: Buffer.from(data),
});

/** What anybody who may write to the namespace can start, with attributes and a memo that c2p never gives. */
const FOREIGN = {
  'batch-enrollment/demo/unpublished': {},
  'batch-enrollment/demo/no-values': { C2pStatus: payload('null'), C2pRecords: payload('null') },
  'batch-enrollment/demo/other-names': { C2pProgram: payload('"x"'), C2pExternalBatchId: payload('"y"') },
  'batch-enrollment/demo/impossible': {
    C2pStatus: payload('"\\u001b[2J"'),
    C2pRecords: payload('-9223372036854775808'),
  },
  'batch-enrollment/elsewhere/b-1': {},
  'batch-enrollment/demo/b-1/more': {},
  'batch-enrollment/demo/5186001700009726': {},
  'batch-enrollment//': {},
  'batch-enrollment/demo/\u001b[2J': {},
  'made-by-hand': { C2pProgram: payload('"demo"') },
};

beforeAll(async () => {
  environment = await RealEnvironment.shared();
  site = await environment.site('foreign');
  for (const [workflowId, indexedFields] of Object.entries(FOREIGN))
    await environment.connection.workflowService.startWorkflowExecution({
      namespace: environment.namespace,
      requestId: randomUUID(),
      workflowId,
      workflowType: { name: 'batchEnrollment' },
      taskQueue: { name: 'nobody' },
      memo: { fields: { records: payload('{', 'of/nobody'), recordsDigest: payload('{') } },
      searchAttributes: { indexedFields },
    });
  await vi.waitUntil(
    async () => (await site.temporal.workflow.count()).count === Object.keys(FOREIGN).length,
    { timeout: 20_000 },
  );
});
afterAll(() => environment.close());

describe('workflows that c2p did not start', () => {
  test('are in the list by the program and the id that their workflow id names, where it can name a batch', async () => {
    const { exitCode, stdout } = await c2p(['list', '--json'], site.env);
    expect(exitCode).toBe(0);
    const listed = JSON.parse(stdout) as { program: string; externalBatchId: string; cards: number }[];
    expect(
      listed.map(({ program, externalBatchId, cards }) => `${program} ${externalBatchId} ${cards}`).sort(),
    ).toEqual([
      'demo impossible 0',
      'demo no-values 0',
      'demo other-names 0',
      'demo unpublished 0',
      'elsewhere b-1 0',
    ]);
  });

  test('have a status, and do not prevent that others are watched', async () => {
    const { exitCode, stdout } = await c2p(['status', 'impossible'], site.env);
    expect(stdout).toMatch(/^batch impossible of program demo: .*no worker answers on task queue 'nobody'/);
    expect(exitCode).toBe(0);

    await Promise.all(
      ['unpublished', 'no-values', 'other-names', 'impossible'].map((id) => site.workflow(id).terminate()),
    );
    await vi.waitUntil(
      async () => (await site.temporal.workflow.count(`ExecutionStatus = 'Running'`)).count === 6,
      { timeout: 20_000 },
    );
    const watched = await c2p(['watch', '--all'], site.env);
    expect(watched.stderr).toContain(
      "left out: batch b-1 of program 'elsewhere', which this configuration does not have",
    );
    expect(watched.stderr).toContain('no batches');
    expect(watched.exitCode).toBe(0);
  });
});
