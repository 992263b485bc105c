import { randomUUID } from 'node:crypto';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { escapeName } from '../store/blob-path.js';
import type { StorePlace } from '../store/open-store.js';
import {
  StoreOutdatedError,
  StoreUnavailableError,
  type BatchAddress,
  type OpenStore,
} from '../store/store.js';
import { SealedBlobError } from '../protection/seal.js';
import { findings, type Finding } from './finding.js';

/** No program and no batch can have these names. */
const PROBE: BatchAddress = { program: '~doctor', externalBatchId: '~doctor' };

const ADVICE = {
  filesystem: 'give the user that c2p runs as the folder store.path, the same on every machine',
  postgres: 'docs/operations.md says under "PostgreSQL" what the database needs',
} as const satisfies Record<StorePlace['kind'], string>;

/** Whether a blob can be sealed, read back and erased. */
export async function checkStore(store: OpenStore, { kind }: Pick<StorePlace, 'kind'>): Promise<Finding> {
  const { ok, failed } = findings('store');
  const { where } = store;
  const advice = ADVICE[kind];
  const ref = `probe-${randomUUID()}`;
  const written = Buffer.from(ref);
  try {
    await store.checkReady();
    try {
      await store.put(PROBE, ref, written);
      const read = await store.get(PROBE, ref);
      if (!written.equals(read)) return failed(`${where} gives back something else than was written`, advice);
    } finally {
      await store.delete(PROBE, ref);
      // The store keeps the folder of a program. Another probe may be in it, and empty it harms nobody.
      if (kind === 'filesystem') await rmdir(join(where, escapeName(PROBE.program))).catch(() => undefined);
    }
    return ok(`${where}: a blob was sealed, read back and erased`);
  } catch (error) {
    const expected = [StoreUnavailableError, StoreOutdatedError, SealedBlobError];
    if (expected.some((one) => error instanceof one)) return failed((error as Error).message, advice);
    throw error;
  }
}
