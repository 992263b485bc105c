import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlobRef } from '../../enrollment/batch.js';
import { KeyRing } from '../../protection/key-ring.js';
import { escapeName } from '../../store/blob-path.js';
import { FilesystemStore } from '../../store/filesystem-store.js';
import type { BatchAddress } from '../../store/store.js';
import { isUnreadable, readingBlobs } from '../../store/unreadable.js';
import { testKeyId, testRing } from './key-rings.js';

/** The id of a key that is in no other key ring. */
export const KEY_ELSEWHERE = testKeyId(2);
const ELSEWHERE = testRing(2);

/** A store whose blobs a test can make unreadable. */
export class DamagedStore extends FilesystemStore {
  /** The same blobs, with a key that this store lacks. */
  private readonly elsewhere: FilesystemStore;

  constructor(
    private readonly root: string,
    readonly keyRing: KeyRing,
  ) {
    super({ root, keyRing });
    this.elsewhere = new FilesystemStore({ root, keyRing: ELSEWHERE });
  }

  /** One in a folder of its own: `erase` it. */
  static async create(): Promise<DamagedStore> {
    const root = await mkdtemp(join(tmpdir(), 'c2p-damaged-'));
    return new DamagedStore(root, KeyRing.parse(KeyRing.generate(), 'test'));
  }

  async alter(batch: BatchAddress, ref: BlobRef): Promise<void> {
    const bytes = await readFile(this.fileOf(batch, ref));
    bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
    await writeFile(this.fileOf(batch, ref), bytes);
  }

  async truncate(batch: BatchAddress, ref: BlobRef): Promise<void> {
    await writeFile(this.fileOf(batch, ref), (await readFile(this.fileOf(batch, ref))).subarray(0, 30));
  }

  /** Unlike `delete`, fails where there is no such blob. */
  async remove(batch: BatchAddress, ref: BlobRef): Promise<void> {
    await rm(this.fileOf(batch, ref));
  }

  /** @returns what puts the blob back as it is now, whatever it has become. */
  async older(batch: BatchAddress, ref: BlobRef): Promise<() => Promise<void>> {
    const bytes = await readFile(this.fileOf(batch, ref));
    return () => writeFile(this.fileOf(batch, ref), bytes);
  }

  /** Something else is there than a sealed blob. */
  async replace(batch: BatchAddress, ref: BlobRef): Promise<void> {
    await this.remove(batch, ref);
    await writeFile(this.fileOf(batch, ref), 'no sealed blob');
  }

  /** Seals a blob under `KEY_ELSEWHERE`, which no worker has. */
  async sealUnderMissingKey(batch: BatchAddress, ref: BlobRef): Promise<void> {
    await this.elsewhere.put(batch, ref, await this.get(batch, ref));
  }

  /** As if that key had come; of a blob that was erased or written anew meanwhile nothing comes back. */
  async findKeyOf(batch: BatchAddress, ref: BlobRef): Promise<void> {
    const bytes = await readingBlobs(() => this.elsewhere.get(batch, ref));
    if (!isUnreadable(bytes)) await this.put(batch, ref, bytes);
  }

  erase(): Promise<void> {
    return rm(this.root, { recursive: true });
  }

  private fileOf({ program, externalBatchId }: BatchAddress, ref: BlobRef): string {
    const [folder, batch, blob] = [program, externalBatchId, ref].map(escapeName) as [string, string, string];
    return join(this.root, folder, batch, `${blob}.sealed`);
  }
}
