import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { stringify } from 'safe-stable-stringify';
import { nameOf } from '../bulk/source.js';
import { Blob } from '../enrollment/blobs.js';
import { bulkLimitsProblem, onBulkCancelProblem } from '../enrollment/bulk-limits.js';
import {
  bulkAddress,
  bulkBatchId,
  bulkWorkflowIdOf,
  DEFAULT_BULK_LIMITS,
  type BulkLimits,
  type BulkOrder,
  type OnBulkCancel,
  type SourceLocation,
} from '../enrollment/bulk.js';
import { fairShare } from '../enrollment/fairness.js';
import { resolvePolicy } from '../enrollment/policy.js';
import { parsePolicy, type PolicyInput } from '../enrollment/policy-schema.js';
import { batchIdProblem } from '../mastercard/api/batch-id.js';
import { digestKeyId } from '../protection/key-ring.js';
import { getJson } from '../store/store.js';
import type { BulkEnrollmentInput } from '../workflows/bulk/messages.js';
import * as attributes from '../workflows/search-attributes.js';
import type { BulkEnrollment, BulkMemo } from './bulk-enrollment.js';
import { BulkConflictError, BulkInvalidError } from './bulk-errors.js';
import { sharedSource } from './bulk-source.js';
import type { Starter } from './start-batch.js';

/** Of a job: 250 million cards. */
const MOST_BATCHES = 999_999;

export interface BulkRequest {
  /** 1 to 55 of `[A-Za-z0-9._:-]`, not ending in seven digits; unique per program, for ever. */
  bulkId: string;
  program: string;
  /** A file inside `bulk.folder` (absolute, or relative to the working folder), or an `https:` URL that gives ranges. */
  source: SourceLocation;
  /** Default: 100 batches in flight, as many a minute as that lets through. */
  limits?: { [Limit in keyof BulkLimits]?: BulkLimits[Limit] | undefined } | undefined;
  /** What becomes of batches in flight, and of what is enrolled, when the job is cancelled; default `finish`. */
  onCancel?: OnBulkCancel | undefined;
  /** What differs from the program's policy, for every batch. Durations are `"30s"`, `"72h"` or milliseconds. */
  policy?: PolicyInput | undefined;
}

/**
 * Starts a job, unless the same was started before.
 * @throws BulkConflictError, BulkInvalidError, PolicyError, RecordUnreadableError, SourceError.
 */
export async function startBulk(starter: Starter, bulk: BulkEnrollment, request: BulkRequest): Promise<void> {
  const { connections, keyRing, program } = starter;
  const limits = { ...DEFAULT_BULK_LIMITS, ...given(request.limits ?? {}) };
  const policy = resolvePolicy(program.policy, parsePolicy(request.policy ?? {}, program.policy));
  const { onCancel = 'finish' } = request;
  const lastBatch = bulkBatchId(bulk.bulkId, MOST_BATCHES);
  const problem =
    bulkLimitsProblem(limits) ??
    onBulkCancelProblem(onCancel, policy) ??
    batchIdProblem(program.api, lastBatch, policy.retryFailedRecords.maxRounds);
  if (problem !== undefined) throw new BulkInvalidError(problem);
  const order: BulkOrder = {
    source: await sharedSource(request.source, starter.bulk),
    maxCardsPerBatch: program.maxCardsPerBatch,
    policy,
    onCancel,
    startedAt: new Date().toISOString(),
  };
  const fingerprint = fingerprintOf(order);
  // First, so that a job can always be compared with another, and its source be read again: see `c2p bulk rerun`.
  const address = bulkAddress(bulk.key);
  const isNew = await connections.store.putNew(
    address,
    Blob.bulk,
    Buffer.from(JSON.stringify(order), 'utf8'),
  );
  const first = isNew ? order : await getJson<BulkOrder>(connections.store, address, Blob.bulk);
  if (!fingerprintOf(first).equals(fingerprint)) throw new BulkConflictError(bulk.key);
  if (await bulk.closed()) return;

  const memo: BulkMemo = { orderDigest: (await keyRing.latest()).digest(fingerprint) };
  try {
    await start(starter, { ...bulk.key, ...jobOf(first), limits }, memo);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const { orderDigest } = await bulk.memo();
    // One that was not started by a client has no digest, and nobody knows what it is.
    const knowing = orderDigest === undefined ? undefined : await keyRing.knowing(digestKeyId(orderDigest));
    if (knowing?.digestMatches(fingerprint, orderDigest!)) return;
    if (isNew) await connections.store.delete(address, Blob.bulk);
    throw new BulkConflictError(bulk.key);
  }
}

async function start(
  { connections, taskQueue }: Starter,
  input: BulkEnrollmentInput,
  memo: BulkMemo,
): Promise<void> {
  const { program, bulkId, source } = input;
  await connections.temporal.workflow.start('bulkEnrollment', {
    workflowId: bulkWorkflowIdOf(input),
    taskQueue,
    workflowIdConflictPolicy: 'FAIL',
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    args: [input],
    priority: fairShare(program, 'bulk'),
    memo: { ...memo },
    staticSummary: `${bulkId}: all cards of ${nameOf(source)}, program ${program}`,
    typedSearchAttributes: [
      { key: attributes.C2pStatus, value: 'ENROLLING' },
      { key: attributes.C2pProgram, value: program },
      { key: attributes.C2pBulkId, value: bulkId },
      { key: attributes.C2pRecords, value: 0 },
      { key: attributes.C2pFailedRecords, value: 0 },
    ],
  });
}

function jobOf({ startedAt: _, ...job }: BulkOrder): Omit<BulkOrder, 'startedAt'> {
  return job;
}

/** Equal for orders of the same source in the same way. How the source is split is decided by the first one. */
function fingerprintOf({ source, policy, onCancel }: BulkOrder): Buffer {
  const parts: object = { source, policy, onCancel };
  return Buffer.from(stringify(parts), 'utf8');
}

function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
