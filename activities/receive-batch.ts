import { activityInfo, getClient } from '@temporalio/activity';
import { acceptBatch } from '../enrollment/acceptance.js';
import type { BatchKey, BlobRef } from '../enrollment/batch.js';
import { Blob, type ClosedBatch } from '../enrollment/blobs.js';
import { looksLikePan, PROGRAM_PATTERN, workflowIdOf } from '../enrollment/identifiers.js';
import { resolvePolicy, type EnrollmentPolicy, type PolicyOverrides } from '../enrollment/policy.js';
import { parsePolicy, PolicyError, type PolicyInput } from '../enrollment/policy-schema.js';
import type { EnrollmentRecord } from '../enrollment/records.js';
import { digestedBytes } from '../protection/records-digest.js';
import { namespaceIdOf } from '../retention/namespace.js';
import { getJson, putJson, type BatchStore } from '../store/store.js';
import { isUnreadable, readingBlobs } from '../store/unreadable.js';
import type { ActivityDependencies } from './dependencies.js';
import { failingClearly, inputRefused } from './failures.js';

/** As somebody wrote it who may not know TypeScript: nothing of it is checked yet. */
export interface ReceiveBatchInput {
  batch: BatchKey;
  records: EnrollmentRecord[];
  policy?: PolicyInput | undefined;
}

/** What is known of the batch once its records are in the store. */
export interface ReceiveBatchResult {
  records: BlobRef;
  recordsDigest: string;
  consumers: number;
  cards: number;
  policy: EnrollmentPolicy;
}

/**
 * Does for records that came with the workflow's input what the client does for others: checks what the
 * batch is to be started with, lays its policy over the program's, and moves the records into the store.
 * Repeating it writes the same blob again.
 *
 * @throws ApplicationFailure of type InputRefused; then nothing was kept.
 */
export function receiveBatch(deps: Pick<ActivityDependencies, 'store' | 'keyRing' | 'program'>) {
  return ({ batch, records, policy }: ReceiveBatchInput): Promise<ReceiveBatchResult> =>
    failingClearly(async () => {
      const { workflowId, runId } = activityInfo().workflowExecution!;
      const { cards, overrides, base } = checked(deps, { batch, records, policy }, workflowId);
      await refuseClosed(deps.store, batch);
      const ref = Blob.records(runId, await namespaceIdOf(getClient()));
      await putJson(deps.store, batch, ref, records);
      return {
        records: ref,
        recordsDigest: (await deps.keyRing.latest()).digest(digestedBytes(records)),
        consumers: records.length,
        cards,
        policy: resolvePolicy(base, overrides),
      };
    });
}

function checked(
  deps: Pick<ActivityDependencies, 'program'>,
  { batch, records, policy }: ReceiveBatchInput,
  workflowId: string,
): { cards: number; base: PolicyOverrides; overrides: PolicyOverrides } {
  const { program: name, externalBatchId } = batch;
  if (typeof name !== 'string' || !PROGRAM_PATTERN.test(name) || looksLikePan(name))
    throw inputRefused('program must be the name of a program of the configuration');
  const program = deps.program(name);
  const accepted = acceptBatch({ externalBatchId, records }, program);
  if (accepted.problem !== undefined) throw inputRefused(accepted.problem);
  // Under another id a second workflow could submit the same batch.
  if (workflowId !== workflowIdOf(batch))
    throw inputRefused(`the workflow id must be '${workflowIdOf(batch)}'`);
  try {
    const overrides = parsePolicy(policy ?? {}, program.policy);
    return { cards: accepted.cards, base: program.policy, overrides };
  } catch (error) {
    throw error instanceof PolicyError ? inputRefused(error.message) : error;
  }
}

/** Temporal forgets a closed batch after a while, and would let it start again; the store does not. */
async function refuseClosed(store: BatchStore, batch: BatchKey): Promise<void> {
  if (!(await store.has(batch, Blob.closed))) return;
  // How it closed makes no difference here, and may be unreadable.
  const closed = await readingBlobs(() => getJson<ClosedBatch>(store, batch, Blob.closed));
  const how = isUnreadable(closed)
    ? 'is closed'
    : `was closed at ${closed.closedAt} as ${closed.result.status}`;
  throw inputRefused(
    `batch '${batch.externalBatchId}' ${how}; send these records under another externalBatchId`,
  );
}
