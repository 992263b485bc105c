import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { Blob } from '../../enrollment/blobs.js';
import { bulkWorkflowIdOf, DEFAULT_BULK_LIMITS, type BulkKey } from '../../enrollment/bulk.js';
import { resolvePolicy } from '../../enrollment/policy.js';
import type { CardKey, EnrollmentRecord } from '../../enrollment/records.js';
import { BatchStatusValue } from '../../mastercard/contract.js';
import { getJson } from '../../store/store.js';
import type { bulkEnrollment, BulkEnrollmentInput } from '../../workflows/index.js';
import { PROGRAM, type Rig } from './rig.js';
import { report, ScriptedGateway, success } from './scripted-gateway.js';

/** A job as tests start it, of three cards a batch. */
export type BulkHandle = WorkflowHandle<typeof bulkEnrollment> & { key: BulkKey };

/** Writes a portfolio to where workers read it, and gives its name. */
export async function writePortfolio(
  rig: Rig,
  bulkId: string,
  records: readonly (EnrollmentRecord | string)[],
): Promise<string> {
  const lines = records.map((record) => (typeof record === 'string' ? record : JSON.stringify(record)));
  await writeFile(join(rig.sourceFolder, `${bulkId}.jsonl`), lines.map((line) => `${line}\n`).join(''));
  return `${bulkId}.jsonl`;
}

/** Starts a job of what `writePortfolio` wrote under its id. */
export async function startBulk(
  rig: Rig,
  taskQueue: string,
  bulkId: string,
  changes: Partial<BulkEnrollmentInput> = {},
): Promise<BulkHandle> {
  const key = { program: PROGRAM, bulkId };
  const handle = await rig.env.client.workflow.start<typeof bulkEnrollment>('bulkEnrollment', {
    workflowId: bulkWorkflowIdOf(key),
    taskQueue,
    args: [
      {
        ...key,
        source: { path: `${bulkId}.jsonl` },
        maxCardsPerBatch: 3,
        limits: DEFAULT_BULK_LIMITS,
        onCancel: 'finish',
        policy: resolvePolicy({}),
        ...changes,
      },
    ],
  });
  return Object.assign(handle, { key });
}

/** A Mastercard that enrolls every card of every batch at the first poll. */
export function enrollingEverything(rig: Rig): ScriptedGateway {
  return new ScriptedGateway({
    submit: [({ externalBatchId }) => ({ batchId: `mc-${externalBatchId}` })],
    status: [
      async ({ batchId }) => {
        const externalBatchId = batchId.slice('mc-'.length);
        const cards = await getJson<CardKey[]>(rig.store, { program: PROGRAM, externalBatchId }, Blob.cards);
        const results = cards.map(({ externalConsumerId, externalCardId }) =>
          success(externalConsumerId, externalCardId),
        );
        return { ...report(externalBatchId, BatchStatusValue.completed, results), batchId };
      },
    ],
  });
}
