import { randomUUID } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { BulkConfig, ProgramConfig } from '../config/config.js';
import { acceptBatch } from '../enrollment/acceptance.js';
import { Blob } from '../enrollment/blobs.js';
import { fairShare } from '../enrollment/fairness.js';
import { workflowIdOf } from '../enrollment/identifiers.js';
import { resolvePolicy } from '../enrollment/policy.js';
import { parsePolicy, type PolicyInput } from '../enrollment/policy-schema.js';
import type { EnrollmentRecord } from '../enrollment/records.js';
import { batchIdProblem } from '../mastercard/api/batch-id.js';
import { digestKeyId, type KeyRingSource } from '../protection/key-ring.js';
import { digestedBytes } from '../protection/records-digest.js';
import { namespaceIdOf } from '../retention/namespace.js';
import { putJson } from '../store/store.js';
import type { batchEnrollment } from '../workflows/index.js';
import type { BatchEnrollmentInput } from '../workflows/batch/messages.js';
import * as attributes from '../workflows/search-attributes.js';
import type { BatchMemo, EnrollmentBatch } from './enrollment-batch.js';
import { BatchConflictError, BatchInvalidError } from './errors.js';
import type { Connections } from './remembered-workflow.js';

export interface EnrollRequest {
  /** 1 to 64 of `[A-Za-z0-9._:-]`, less what a further round adds (`~2`); unique per program, for ever. */
  externalBatchId: string;
  program: string;
  records: readonly EnrollmentRecord[];
  /** What differs from the program's policy. Durations are `"30s"`, `"72h"` or milliseconds. */
  policy?: PolicyInput | undefined;
}

/** What a workflow is started with beside the request. */
export interface Starter {
  connections: Connections;
  keyRing: KeyRingSource;
  taskQueue: string;
  program: ProgramConfig;
  /** Where portfolios may be, and what. */
  bulk?: BulkConfig | undefined;
}

/**
 * Starts a batch, unless the same was started before.
 * @throws BatchConflictError, BatchInvalidError, PolicyError, RecordUnreadableError.
 */
export async function startBatch(
  starter: Starter,
  batch: EnrollmentBatch,
  request: EnrollRequest,
): Promise<void> {
  const { connections, keyRing, program } = starter;
  const { store, temporal } = connections;
  const { key } = batch;
  const { records } = request;
  const accepted = acceptBatch(request, program);
  if (accepted.problem !== undefined) throw new BatchInvalidError(accepted.problem);
  const { cards } = accepted;
  const policy = resolvePolicy(program.policy, parsePolicy(request.policy ?? {}, program.policy));
  const { maxRounds } = policy.retryFailedRecords;
  const idProblem = batchIdProblem(program.api, request.externalBatchId, maxRounds);
  if (idProblem !== undefined) throw new BatchInvalidError(idProblem);
  const fingerprint = digestedBytes(records);
  const requireSame = async (digest: string) => {
    // Nobody knows any more what the records were.
    if (digest === '') throw new BatchConflictError(key);
    const knowing = await keyRing.knowing(digestKeyId(digest));
    if (!knowing.digestMatches(fingerprint, digest)) throw new BatchConflictError(key);
  };

  const closed = await batch.closed();
  if (closed) return requireSame(closed.recordsDigest);

  const ref = Blob.records(randomUUID(), await namespaceIdOf(temporal));
  const recordsDigest = (await keyRing.latest()).digest(fingerprint);
  await putJson(store, key, ref, records);
  const input: BatchEnrollmentInput = { ...key, records: ref, recordsDigest, cards, policy };
  try {
    return await start(starter, input, records.length);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  const memo = await batch.memo();
  // Another call was first: it is its records that count, and ours must not stay behind.
  if (memo.records !== ref) await store.delete(key, ref);
  // Records that came with the workflow's input, and are not, or never were, taken into the store.
  if (memo.recordsDigest === undefined) throw new BatchConflictError(key);
  return requireSame(memo.recordsDigest);
}

async function start(
  { connections, taskQueue }: Starter,
  input: BatchEnrollmentInput,
  consumers: number,
): Promise<void> {
  const { program, externalBatchId, recordsDigest, records, cards } = input;
  const memo: BatchMemo = { recordsDigest, records };
  await connections.temporal.workflow.start<typeof batchEnrollment>('batchEnrollment', {
    workflowId: workflowIdOf(input),
    taskQueue,
    // Failing tells at once whether these records are the batch's: most starts are the first, and need no second look.
    workflowIdConflictPolicy: 'FAIL',
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    args: [input],
    priority: fairShare(program, 'batch'),
    memo: { ...memo },
    staticSummary: `${externalBatchId}: ${cards} cards of ${consumers} consumers, program ${program}`,
    typedSearchAttributes: [
      { key: attributes.C2pStatus, value: 'VALIDATING' },
      { key: attributes.C2pProgram, value: program },
      { key: attributes.C2pExternalBatchId, value: externalBatchId },
      { key: attributes.C2pRecords, value: cards },
      { key: attributes.C2pFailedRecords, value: 0 },
    ],
  });
}
