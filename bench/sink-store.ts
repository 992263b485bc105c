import type { KeyRingSource } from '../protection/key-ring.js';
import { openBlob, sealBlob } from '../store/sealing.js';
import type { BatchAddress } from '../store/store.js';
import { MemoryStore } from './memory-store.js';

/** Seals and opens as every store does, and keeps nothing longer than its caller wants. */
export class SinkStore extends MemoryStore {
  constructor(private readonly keyRing: KeyRingSource) {
    super();
  }

  override async put(batch: BatchAddress, ref: string, plaintext: Uint8Array): Promise<void> {
    await super.put(batch, ref, await sealBlob(this.keyRing, batch, ref, plaintext));
  }

  override async get(batch: BatchAddress, ref: string): Promise<Uint8Array> {
    return openBlob(this.keyRing, batch, ref, await super.get(batch, ref));
  }
}
