import { createHmac } from 'node:crypto';
import type { KeyRing, KeyRingSource } from '../protection/key-ring.js';
import type { BatchAddress, OpenStore } from './store.js';
import { isUnreadable, readingBlobs, type Unreadable } from './unreadable.js';

/** No program can have this name. */
export const PROBE: BatchAddress = { program: '~key-ring', externalBatchId: 'probe' };
const REF = 'proof';

/**
 * - `keyMissing`: the probe is sealed under a key that this key ring never had: it is the key ring of another
 *   deployment, or an older copy.
 * - `otherSecret`: the keys are the deployment's, the secret is not.
 * - `damaged`: the probe was altered or truncated; it says nothing about this key ring.
 */
export type ProbeFailure = 'keyMissing' | 'otherSecret' | 'damaged';

/** This key ring does not open the probe of the store. The message says why, and what to do; it holds no part of a key. */
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
 * Whether this key ring is the one that the workers of the store use. It opens a probe that they left there: a MAC
 * under the secret that also authenticates payloads for Temporal, sealed under a key of the ring like every blob. So
 * who opens it reads and writes blobs and payloads as they do. Writes nothing.
 *
 * @returns `absent` where no worker has left one yet; `retired` where its key is retired in this key ring, which is
 *   then newer than the probe.
 * @throws KeyRingProbeError, StoreUnavailableError
 */
export async function checkKeyRingProbe(
  store: OpenStore,
  keyRing: KeyRingSource,
): Promise<'opens' | 'absent' | 'retired'> {
  const read = await readingBlobs(() => store.get(PROBE, REF));
  // As it is now that it was read again for a key that it did not know.
  const ring = keyRing.atHand();
  if (!isUnreadable(read)) {
    if (proofOf(ring).equals(read)) return 'opens';
    throw failure('otherSecret', store);
  }
  if (read.why === 'missing') return 'absent';
  if (read.why === 'altered') throw failure('damaged', store, read);
  if (ring.knows(read.keyId!)) return 'retired';
  throw failure('keyMissing', store, read);
}

/**
 * As `checkKeyRingProbe`, for a worker: leaves the probe where there is none that this key ring opens. Of several
 * workers that do so at once one wins, and the others must open what it left.
 * @throws KeyRingProbeError, StoreUnavailableError
 */
export async function leaveKeyRingProbe(store: OpenStore, keyRing: KeyRingSource): Promise<void> {
  const found = await checkKeyRingProbe(store, keyRing);
  if (found === 'opens') return;
  const proof = proofOf(await keyRing.latest());
  if (found === 'retired') return store.put(PROBE, REF, proof);
  if (!(await store.putNew(PROBE, REF, proof))) await checkKeyRingProbe(store, keyRing);
}

/** No payload's MAC is of the same bytes: those begin with `c2p-payload/`. */
function proofOf({ payloadMacKey }: KeyRing): Buffer {
  return createHmac('sha256', payloadMacKey).update('c2p-key-ring-probe/1').digest();
}

function failure(
  reason: ProbeFailure,
  store: OpenStore,
  { keyId }: Partial<Unreadable> = {},
): KeyRingProbeError {
  const erase = `${store.eraseCommand(PROBE, REF)}, and start a worker that has the right key ring: it makes a new probe`;
  const copy = `copy the key ring from a worker. Only where the key ring of the workers is lost or the wrong one: ${erase}`;
  const workers = `the workers of the store at ${store.where}`;
  switch (reason) {
    case 'keyMissing':
      return new KeyRingProbeError(
        reason,
        `the key ring has no key '${keyId}', which ${workers} have: it is of another deployment, or an older copy`,
        copy,
      );
    case 'otherSecret':
      return new KeyRingProbeError(reason, `the key ring has another "secret" than ${workers}`, copy);
    case 'damaged':
      return new KeyRingProbeError(
        reason,
        `the probe that shows which key ring ${workers} have was altered or truncated`,
        `find out what altered it; then ${erase}`,
      );
  }
}
