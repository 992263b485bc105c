import type { KeyRingSource } from '../protection/key-ring.js';
import { sealedUnder } from '../protection/seal.js';
import type { BatchAddress } from './store.js';

/** The authenticated context of a blob: equal for equal batch and name, and only then. */
export function sealingContext({ program, externalBatchId }: BatchAddress, ref: string): string {
  return JSON.stringify([program, externalBatchId, ref]);
}

/** The name of the blob that a context is of; nothing for the context of something else. */
export function sealedRef(context: string): string | undefined {
  try {
    const [, , ref] = JSON.parse(context) as unknown[];
    return typeof ref === 'string' ? ref : undefined;
  } catch {
    return undefined;
  }
}

/** Seals a blob under the current key: the same in every driver, so that blobs can be moved between them. */
export async function sealBlob(
  keyRing: KeyRingSource,
  batch: BatchAddress,
  ref: string,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  return (await keyRing.latest()).seal(plaintext, sealingContext(batch, ref));
}

/** Opens a blob with whichever key it says it is sealed under. @throws what `KeyRing.open` throws */
export async function openBlob(
  keyRing: KeyRingSource,
  batch: BatchAddress,
  ref: string,
  sealed: Uint8Array,
): Promise<Uint8Array> {
  const keyId = sealedUnder(sealed);
  const knowing = keyId === undefined ? await keyRing.latest() : await keyRing.knowing(keyId);
  return knowing.open(sealed, sealingContext(batch, ref));
}
