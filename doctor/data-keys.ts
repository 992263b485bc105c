import type { C2pConfig } from '../config/config.js';
import { KeyRingError } from '../protection/key-ring-json.js';
import type { KeyRing } from '../protection/key-ring.js';
import { openKeyRing } from '../protection/live-key-ring.js';
import { findings, type Finding } from './finding.js';

/** Whether the key ring can be read, and which key seals. */
export async function checkDataKeys({
  dataKeys,
}: Pick<C2pConfig, 'dataKeys'>): Promise<{ keyRing?: KeyRing; finding: Finding }> {
  const { ok, failed } = findings('data-keys');
  try {
    const keyRing = await (await openKeyRing(dataKeys)).latest();
    return { keyRing, finding: ok(`the current key is '${keyRing.currentKeyId}'`) };
  } catch (error) {
    if (!(error instanceof KeyRingError)) throw error;
    const todo = 'restore it from a backup: what is sealed under its keys cannot be read without them';
    return { finding: failed(error.message, todo) };
  }
}
