import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cacheFolder } from './cache.js';

/** What runs of tests have shown, kept in the user's cache folder so that it outlives a checkout. */
export class TestLedger<Entry> {
  private written: Promise<void> = Promise.resolve();

  private constructor(
    private readonly path: string,
    private readonly entries: Record<string, Entry>,
  ) {}

  /** @param name of the file, as in `long-tests`. */
  static async open<Entry>(name: string): Promise<TestLedger<Entry>> {
    const path = join(cacheFolder(), `${name}.json`);
    const written = await readFile(path, 'utf8').catch(() => '{}');
    return new TestLedger(path, JSON.parse(written) as Record<string, Entry>);
  }

  get(key: string): Entry | undefined {
    return this.entries[key];
  }

  async set(key: string, entry: Entry): Promise<void> {
    this.entries[key] = entry;
    await mkdir(cacheFolder(), { recursive: true });
    this.written = this.written.then(() => this.write());
    await this.written;
  }

  private async write(): Promise<void> {
    await writeFile(`${this.path}.new`, JSON.stringify(this.entries, null, 2));
    await rename(`${this.path}.new`, this.path);
  }
}

/** Equal for the same files, as git sees them; changed ones included. */
export async function treeNow(): Promise<string> {
  const { stdout: head } = await execa('git', ['rev-parse', 'HEAD^{tree}']);
  const { stdout: changes } = await execa('git', ['diff', 'HEAD']);
  return createHash('sha256').update(head).update(changes).digest('hex');
}
