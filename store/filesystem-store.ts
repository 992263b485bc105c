import { access, opendir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { KeyRingSource } from '../protection/key-ring.js';
import { KeyRingError } from '../protection/key-ring-json.js';
import { openRegular, readBeginning } from '../protection/regular-file.js';
import { HEADER_PREFIX, MAX_SEALED_BYTES, SealedBlobError, sealedUnder } from '../protection/seal.js';
import { escapeName, unescapeName } from './blob-path.js';
import { openBlob, sealBlob } from './sealing.js';
import type { BatchAddress, OpenStore } from './store.js';
import { SealedBlobMissingError, StoreUnavailableError } from './store.js';
import { hasCode, readFolder, removeFile, rewriteWhole, writeNew, writeWhole } from './whole-file.js';

const SUFFIX = '.sealed';
/** A re-sealing that is disturbed, for instance because another blob of the batch is erased, is tried so often. */
const MAX_RESEALS = 3;

export interface FilesystemStoreOptions {
  /** The folder that holds everything; made with the first blob. On a disk that all workers see. */
  root: string;
  keyRing: KeyRingSource;
}

/**
 * Sealed blobs as files: `<root>/<program>/<externalBatchId>/<ref>.sealed`, files with mode 0600 in
 * folders with mode 0700, each part escaped as `escapeName` says.
 *
 * To erase is to unlink the file. Overwriting it first would promise what journals, snapshots and
 * flash controllers do not keep; what makes a copy of the disk worthless is that the key is gone from
 * the key ring (see `KeyRing`), so rotate, and remove keys that nothing kept is sealed under.
 *
 * All methods throw StoreUnavailableError when the file system fails.
 */
export class FilesystemStore implements OpenStore {
  readonly where: string;
  readonly #keyRing: KeyRingSource;

  constructor({ root, keyRing }: FilesystemStoreOptions) {
    this.where = resolve(root);
    this.#keyRing = keyRing;
  }

  put(batch: BatchAddress, ref: string, plaintext: Uint8Array): Promise<void> {
    return this.#write(batch, ref, plaintext, writeWhole);
  }

  putNew(batch: BatchAddress, ref: string, plaintext: Uint8Array): Promise<boolean> {
    return this.#write(batch, ref, plaintext, writeNew);
  }

  async #write<Result>(
    batch: BatchAddress,
    ref: string,
    plaintext: Uint8Array,
    write: (path: string, bytes: Uint8Array) => Promise<Result>,
  ): Promise<Result> {
    const sealed = await sealBlob(this.#keyRing, batch, ref, plaintext);
    const path = this.#path(batch, ref);
    return this.#attempt('write', path, () => write(path, sealed));
  }

  async get(batch: BatchAddress, ref: string): Promise<Uint8Array> {
    const path = this.#path(batch, ref);
    const sealed = await this.#attempt('read', path, () =>
      beginningOf(path, MAX_SEALED_BYTES + 1).catch(absent),
    );
    if (!sealed) throw new SealedBlobMissingError(batch, ref);
    return openBlob(this.#keyRing, batch, ref, sealed);
  }

  async has(batch: BatchAddress, ref: string): Promise<boolean> {
    const path = this.#path(batch, ref);
    return this.#attempt('read', path, () => access(path).then(() => true, absent)).then(Boolean);
  }

  async delete(batch: BatchAddress, ref: string): Promise<void> {
    const path = this.#path(batch, ref);
    await this.#attempt('erase', path, () => removeFile(path));
  }

  async list(batch: BatchAddress): Promise<string[]> {
    const folder = this.#folder(batch);
    const names = await this.#attempt('list', folder, () => readFolder(folder));
    return names
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => unescapeName(name.slice(0, -SUFFIX.length)))
      .sort();
  }

  async *batches(): AsyncGenerator<BatchAddress> {
    for await (const program of this.#names(this.where)) {
      for await (const batch of this.#names(join(this.where, program))) {
        const address = { program: unescapeName(program), externalBatchId: unescapeName(batch) };
        if ((await this.list(address)).length > 0) yield address;
      }
    }
  }

  /** What is in a folder, however much that is. */
  async *#names(folder: string): AsyncGenerator<string> {
    const names = await this.#attempt('list', folder, () => opendir(folder).catch(absent));
    if (!names) return;
    try {
      const next = () => this.#attempt('list', folder, () => names.read());
      for (let entry = await next(); entry; entry = await next()) yield entry.name;
    } finally {
      await names.close();
    }
  }

  async lastWritten(batch: BatchAddress): Promise<Date | undefined> {
    const times: number[] = [];
    for (const ref of await this.list(batch)) {
      const path = this.#path(batch, ref);
      const found = await this.#attempt('read', path, () => stat(path).catch(absent));
      if (found) times.push(found.mtimeMs);
    }
    return times.length === 0 ? undefined : new Date(Math.max(...times));
  }

  async keyIdOf(batch: BatchAddress, ref: string): Promise<string | undefined> {
    const path = this.#path(batch, ref);
    const beginning = await this.#attempt('read', path, () => beginningOf(path, HEADER_PREFIX).catch(absent));
    return beginning && sealedUnder(beginning);
  }

  async reseal(batch: BatchAddress, ref: string): Promise<boolean> {
    const path = this.#path(batch, ref);
    for (let attempt = 1; attempt <= MAX_RESEALS; attempt += 1) {
      const keyId = await this.keyIdOf(batch, ref);
      if (keyId === undefined || keyId === (await this.#keyRing.latest()).currentKeyId) return false;
      const done = await this.#attempt('re-seal', path, () =>
        rewriteWhole(path, async (sealed) =>
          sealBlob(this.#keyRing, batch, ref, await openBlob(this.#keyRing, batch, ref, sealed)),
        ),
      );
      if (done) return true;
    }
    return false;
  }

  /** The folder is made when it is needed: it is always ready. */
  checkReady(): Promise<void> {
    return Promise.resolve();
  }

  eraseCommand(batch: BatchAddress): string {
    return `run: rm -r '${this.#folder(batch)}'`;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #folder({ program, externalBatchId }: BatchAddress): string {
    return join(this.where, escapeName(program), escapeName(externalBatchId));
  }

  #path(batch: BatchAddress, ref: string): string {
    return join(this.#folder(batch), escapeName(ref) + SUFFIX);
  }

  async #attempt<T>(verb: string, path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof SealedBlobError || error instanceof KeyRingError) throw error;
      throw new StoreUnavailableError(`cannot ${verb} ${path}: ${explain(error)}`, { cause: error });
    }
  }
}

async function beginningOf(path: string, bytes: number): Promise<Uint8Array> {
  const file = await openRegular(path);
  try {
    return await readBeginning(file, bytes);
  } finally {
    await file.close();
  }
}

function absent(error: unknown): undefined {
  if (!hasCode(error, 'ENOENT')) throw error;
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free some space',
  EDQUOT: 'the disk quota is used up; raise it or free some space',
  EROFS: 'the file system is read-only; set store.path to a folder that can be written',
  EACCES: 'this user may not; give it the folder, or set store.path to another one',
  EPERM: 'this user may not; give it the folder, or set store.path to another one',
  ENOTDIR: 'part of the path is not a folder; set store.path to a folder',
  EEXIST: 'part of the path is not a folder; set store.path to a folder',
};

function explain(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return `${EXPLANATIONS[code] ?? 'the file system failed'} (${code})`;
}
