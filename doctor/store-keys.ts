import type { KeyRing } from '../protection/key-ring.js';
import { everyBlob } from '../store/every-blob.js';
import type { BatchStore } from '../store/store.js';
import { findings, type Finding } from './finding.js';

/** How many batches are named. */
const NAMED = 3;

/** Whether the key ring has the key of every blob. Reads a few bytes of each. */
export async function checkStoreKeys(store: BatchStore, keyRing: KeyRing): Promise<Finding> {
  const { ok, warning, failed } = findings('store-keys');
  const missing = new Map<string, Set<string>>();
  let [blobs, lost, foreign] = [0, 0, 0];
  for await (const { batch, ref, keyId } of everyBlob(store)) {
    blobs += 1;
    // Erased since it was listed, or no sealed blob.
    if (keyId === undefined) foreign += (await store.has(batch, ref)) ? 1 : 0;
    else if (!keyRing.opens(keyId)) {
      lost += 1;
      const batches = missing.get(keyId) ?? new Set();
      if (batches.size < NAMED) batches.add(`${batch.program}/${batch.externalBatchId}`);
      missing.set(keyId, batches);
    }
  }
  if (lost > 0) {
    const keys = [...missing].map(([id, batches]) => `'${id}' (${[...batches].join(', ')} …)`).join(', ');
    const found = `${lost} of ${blobs} blobs are sealed under keys that the ring does not have: ${keys}`;
    return failed(found, 'put these keys back into the key ring before the batches need them');
  }
  if (foreign > 0)
    return warning(`${foreign} of ${blobs} files are no sealed blobs`, 'restore them from a backup');
  return ok(`blobs: ${blobs}, and the key ring has the key of each`);
}
