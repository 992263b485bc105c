import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BatchKey } from '../../enrollment/batch.js';
import { KeyRing } from '../../protection/key-ring.js';
import { withCurrent, withNewKey } from '../../protection/key-ring-changes.js';
import { FilesystemStore } from '../../store/filesystem-store.js';

const OTHER_RING = KeyRing.parse(
  withCurrent(withNewKey(KeyRing.generate(), new Date()).ring, 'k2', new Date()),
  'test',
);

/** A blob of the store of a rig, to be made unreadable. */
export class VictimBlob {
  private readonly file: string;
  private readonly root: string;

  constructor(
    place: { folder: string },
    private readonly batch: BatchKey,
    private readonly ref: string,
  ) {
    this.root = join(place.folder, 'store');
    this.file = join(this.root, batch.program, batch.externalBatchId, `${ref}.sealed`);
  }

  async alter(): Promise<void> {
    const bytes = await readFile(this.file);
    bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
    await writeFile(this.file, bytes);
  }

  /**
   * Seals something there under a key, `k2`, that no worker has.
   * @returns puts back what was there, as if the key had come.
   */
  async sealUnderMissingKey(): Promise<() => Promise<void>> {
    const before = await readFile(this.file);
    await new FilesystemStore({ root: this.root, keyRing: OTHER_RING }).put(
      this.batch,
      this.ref,
      Buffer.from('[]'),
    );
    return () => writeFile(this.file, before);
  }
}
