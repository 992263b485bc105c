import { randomUUID } from 'node:crypto';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { escapeName } from '../store/blob-path.js';
import type { FilesystemStore } from '../store/filesystem-store.js';
import { StoreUnavailableError, type BatchAddress } from '../store/store.js';
import { SealedBlobError } from '../protection/seal.js';
import { findings, type Finding } from './finding.js';

/** No program and no batch can have these names. */
const PROBE: BatchAddress = { program: '~doctor', externalBatchId: '~doctor' };

const ADVICE = 'give the user that c2p runs as the folder store.path, the same on every machine';

/** Whether a blob can be sealed, read back and erased. */
export async function checkStore(store: FilesystemStore, path: string): Promise<Finding> {
  const { ok, failed } = findings('store');
  const ref = `probe-${randomUUID()}`;
  const written = Buffer.from(ref);
  try {
    try {
      await store.put(PROBE, ref, written);
      const read = await store.get(PROBE, ref);
      if (!written.equals(read)) return failed(`${path} gives back something else than was written`, ADVICE);
    } finally {
      await store.delete(PROBE, ref);
      // The store keeps the folder of a program. Another probe may be in it, and empty it harms nobody.
      await rmdir(join(path, escapeName(PROBE.program))).catch(() => undefined);
    }
    return ok(`${path}: a blob was sealed, read back and erased`);
  } catch (error) {
    if (error instanceof StoreUnavailableError || error instanceof SealedBlobError)
      return failed(error.message, ADVICE);
    throw error;
  }
}
