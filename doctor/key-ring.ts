import type { KeyRing } from '../protection/key-ring.js';
import { checkKeyRingProbe, KeyRingProbeError } from '../store/key-ring-probe.js';
import type { OpenStore } from '../store/store.js';
import { findings, type Finding } from './finding.js';

/** Whether the key ring is the one that workers use with the store. */
export async function checkKeyRing(store: OpenStore, keyRing: KeyRing): Promise<Finding> {
  const { ok, warning, failed, skipped } = findings('key-ring-probe');
  try {
    switch (await checkKeyRingProbe(store, keyRing)) {
      case 'opens':
        return ok('the key ring is that of the workers');
      case 'absent':
        return skipped('no worker has started with this store yet');
      case 'retired':
        return warning('it is sealed under a key that is retired', 'restart a worker, which makes a new one');
      case 'keyLost':
        return failed('it is sealed under a key that the key ring no longer has', 'put the key back');
    }
  } catch (error) {
    if (error instanceof KeyRingProbeError) return failed(error.problem, error.todo);
    throw error;
  }
}
