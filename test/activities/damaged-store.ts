import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BatchKey } from '../../enrollment/batch.js';
import { withCurrent, withNewKey } from '../../protection/key-ring-changes.js';
import { KeyRing } from '../../protection/key-ring.js';
import { FilesystemStore } from '../../store/filesystem-store.js';

const RING = KeyRing.generate();
const ROTATED = withCurrent(withNewKey(RING, new Date()).ring, 'k2', new Date());

/** A store in a folder of its own, whose blobs a test can make unreadable. */
export class DamagedStore extends FilesystemStore {
  private constructor(private readonly folder: string) {
    super({ root: folder, keyRing: KeyRing.parse(RING, 'test') });
  }

  static async create(): Promise<DamagedStore> {
    return new DamagedStore(await mkdtemp(join(tmpdir(), 'c2p-damaged-')));
  }

  async alter(batch: BatchKey, ref: string): Promise<void> {
    const bytes = await readFile(this.fileOf(batch, ref));
    bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
    await writeFile(this.fileOf(batch, ref), bytes);
  }

  async truncate(batch: BatchKey, ref: string): Promise<void> {
    await writeFile(this.fileOf(batch, ref), (await readFile(this.fileOf(batch, ref))).subarray(0, 30));
  }

  /** Something else is there than a sealed blob. */
  async replace(batch: BatchKey, ref: string): Promise<void> {
    await writeFile(this.fileOf(batch, ref), 'no sealed blob');
  }

  /** Seals a blob under a key, `k2`, that this store has not been given. */
  async sealElsewhere(batch: BatchKey, ref: string): Promise<void> {
    await this.withAllKeys().put(batch, ref, await this.get(batch, ref));
  }

  /** The same blobs, for a worker to which the key has come. */
  withAllKeys(): FilesystemStore {
    return new FilesystemStore({ root: this.folder, keyRing: KeyRing.parse(ROTATED, 'test') });
  }

  erase(): Promise<void> {
    return rm(this.folder, { recursive: true });
  }

  private fileOf({ program, externalBatchId }: BatchKey, ref: string): string {
    return join(this.folder, program, externalBatchId, `${ref}.sealed`);
  }
}
