import { createHmac } from 'node:crypto';
import { numberOf } from '../protection/derived-keys.js';
import type { KeyRing, KeyRingSource } from '../protection/key-ring.js';
import type { BatchAddress, OpenStore } from './store.js';
import { isUnreadable, readingBlobs } from './unreadable.js';

/** No program can have this name. */
export const PROBE: BatchAddress = { program: '~key-ring', externalBatchId: 'probe' };
/** The first worker puts it, for good. */
const REF = 'proof';

/**
 * - `otherKeyRing`: the probe is of another key ring: its secret differs, or all of it.
 * - `olderKeyRing`: the key ring is a copy from before its newest key, which the workers use.
 * - `damaged`: the probe was altered or truncated; it says nothing about the key ring.
 */
export type ProbeFailure = 'otherKeyRing' | 'olderKeyRing' | 'damaged';

/** The key ring does not open the probe of the store. The message says why, and what to do; it holds no part of a key. */
export class KeyRingProbeError extends Error {
  override readonly name = 'KeyRingProbeError';
  readonly code = 'KEY_RING_PROBE_FAILED';

  constructor(
    readonly reason: ProbeFailure,
    readonly problem: string,
    readonly todo: string,
  ) {
    super(`${problem}; nothing was started: ${todo}`);
  }
}

/**
 * Whether a key ring is the one that the workers of a store use. It opens a probe that they left there: a MAC under the
 * secret that also authenticates payloads for Temporal, sealed like every blob. So who opens it reads blobs and payloads
 * of the workers, and they read theirs. Writes nothing.
 *
 * The probe's key may be gone although the key ring is the right one. So that this is not taken for another key ring, the
 * MAC is also the name of a blob beside it.
 *
 * @returns `opens`; `absent` where no worker has left a probe yet; `retired` where its key is retired, and `keyLost`
 *   where it is an older one that the key ring does not have.
 * @throws KeyRingProbeError, StoreUnavailableError
 */
export async function checkKeyRingProbe(
  store: OpenStore,
  keyRing: KeyRingSource,
): Promise<'opens' | 'absent' | 'retired' | 'keyLost'> {
  const read = await readingBlobs(() => store.get(PROBE, REF));
  // As it is now that it was read again for a key that it did not know.
  const ring = keyRing.atHand();
  if (!isUnreadable(read)) {
    if (proofOf(ring).equals(read)) return 'opens';
    throw failure('otherKeyRing', store);
  }
  const { why, keyId = '' } = read;
  if (why === 'missing') return 'absent';
  if (why === 'altered') throw failure('damaged', store);
  if (!(await store.has(PROBE, markOf(ring)))) throw failure('otherKeyRing', store);
  if (ring.knows(keyId)) return 'retired';
  if (numberOf(keyId) > numberOf(ring.currentKeyId)) throw failure('olderKeyRing', store, keyId);
  return 'keyLost';
}

/**
 * As `checkKeyRingProbe`, for a worker: leaves the probe where there is none, and another one where its key is retired.
 * Of several workers that do so at once the first one wins, and the others must open what it left.
 * @throws KeyRingProbeError, StoreUnavailableError
 */
export async function leaveKeyRingProbe(store: OpenStore, keyRing: KeyRingSource): Promise<void> {
  let found = await checkKeyRingProbe(store, keyRing);
  const ring = await keyRing.latest();
  const proof = proofOf(ring);
  if (found === 'absent' && !(await store.putNew(PROBE, REF, proof)))
    found = await checkKeyRingProbe(store, keyRing);
  if (found === 'retired') await store.put(PROBE, REF, proof);
  if (found !== 'keyLost' && !(await store.has(PROBE, markOf(ring))))
    await store.putNew(PROBE, markOf(ring), proof);
}

/** No payload's MAC is of the same bytes: those begin with `c2p-payload/`. */
function proofOf({ payloadMacKey }: KeyRing): Buffer {
  return createHmac('sha256', payloadMacKey).update('c2p-key-ring-probe/1').digest();
}

/** The name of the blob beside the probe. A MAC says nothing about its key. */
function markOf(ring: KeyRing): string {
  return `of-${proofOf(ring).toString('hex')}`;
}

function failure(reason: ProbeFailure, store: OpenStore, keyId?: string): KeyRingProbeError {
  const workers = `the workers of the store at ${store.where}`;
  const renew = `${store.eraseCommand(PROBE)}, and start a worker that has the right key ring: it makes a new probe`;
  const copy = `copy the key ring from a worker. Only where the key ring of the workers is lost or the wrong one: ${renew}`;
  switch (reason) {
    case 'otherKeyRing':
      return new KeyRingProbeError(reason, `the key ring is another one than that of ${workers}`, copy);
    case 'olderKeyRing':
      return new KeyRingProbeError(
        reason,
        `the key ring is an older copy of that of ${workers}: it lacks their key '${keyId}'`,
        copy,
      );
    case 'damaged':
      return new KeyRingProbeError(
        reason,
        `the probe that shows which key ring ${workers} have was altered or truncated`,
        `find out what altered it; then ${renew}`,
      );
  }
}
