import type { Client } from '@temporalio/client';
import type { BatchKey } from '../enrollment/batch.js';
import { everyBlob } from '../store/every-blob.js';
import type { BatchStore } from '../store/store.js';
import { saveSchedulesAnew, schedulesUnderKey, workflowsUnderKey } from './key-usage-temporal.js';

/** How many of each are named. */
const NAMED = 10;

/** What would be lost with a key. */
export interface KeyUsage {
  /** Blobs of the store. */
  blobs: number;
  /** Batches that they are of: the first few. */
  batches: BatchKey[];
  /** Open workflows of the namespace. */
  workflows: number;
  /** Their ids: the first few. */
  workflowIds: string[];
  /** Ids of schedules. */
  scheduleIds: string[];
}

/** A key cannot be retired because something would be lost with it. The message says what, and what to do. */
export class KeyNeededError extends Error {
  override readonly name = 'KeyNeededError';
  readonly code = 'KEY_NEEDED';

  constructor(
    readonly keyId: string,
    readonly usage: KeyUsage,
  ) {
    super(`key '${keyId}' is still needed and stays:${explain(usage)}`);
  }
}

/** How many blobs each key seals; under the empty id those that are none of this version. */
export async function blobsByKey(store: BatchStore): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const { keyId = '' } of everyBlob(store)) counts.set(keyId, (counts.get(keyId) ?? 0) + 1);
  return counts;
}

/**
 * Looks for everything that a key is needed for. Schedules, which nothing else would write anew, are first
 * saved again under the current key. What is written under the key afterwards is not seen: ask when nobody
 * writes under it any more.
 * @throws StoreUnavailableError; ServiceError when Temporal does not answer.
 */
export async function usageOfKey(keyId: string, store: BatchStore, temporal: Client): Promise<KeyUsage> {
  const usage: KeyUsage = { blobs: 0, batches: [], workflows: 0, workflowIds: [], scheduleIds: [] };
  for await (const blob of everyBlob(store)) {
    if (blob.keyId !== keyId) continue;
    usage.blobs += 1;
    if (usage.batches.length < NAMED && usage.batches.at(-1) !== blob.batch) usage.batches.push(blob.batch);
  }
  for await (const workflowId of workflowsUnderKey(temporal, keyId)) {
    usage.workflows += 1;
    if (usage.workflowIds.length < NAMED) usage.workflowIds.push(workflowId);
  }
  await saveSchedulesAnew(temporal, keyId);
  for await (const scheduleId of schedulesUnderKey(temporal, keyId)) usage.scheduleIds.push(scheduleId);
  return usage;
}

/** Whether nothing is lost with the key. */
export function isUnused({ blobs, workflows, scheduleIds }: KeyUsage): boolean {
  return blobs === 0 && workflows === 0 && scheduleIds.length === 0;
}

function explain({ blobs, batches, workflows, workflowIds, scheduleIds }: KeyUsage): string {
  const batchNames = batches.map(({ program, externalBatchId }) => `${program}/${externalBatchId}`);
  const lines = [
    blobs > 0 && `blobs of the store: ${blobs}, of ${listed(batchNames)}; run: c2p keys reseal`,
    workflows > 0 && `open workflows: ${workflows}, ${listed(workflowIds)}; wait until they are closed`,
    scheduleIds.length > 0 && `schedules: ${listed(scheduleIds)}; delete and make each again`,
  ];
  return lines.map((line) => (line ? `\n  ${line}` : '')).join('');
}

function listed(names: readonly string[]): string {
  return names.length < NAMED ? names.join(', ') : `${names.join(', ')}, …`;
}
