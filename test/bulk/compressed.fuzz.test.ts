import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll } from 'vitest';
import { SourceError } from '../../bulk/source-error.js';
import { openSource } from '../../bulk/source.js';
import { damaged, noise } from '../support/fuzz/bytes.js';
import { fuzz } from '../support/fuzz/fuzz.js';
import { expectNoSecret, SECRETS, shownBy } from '../support/fuzz/secrets.js';

const folder = mkdtempSync(join(tmpdir(), 'c2p-compressed-'));
afterAll(() => rmSync(folder, { recursive: true }));

const text = gzipSync(`${JSON.stringify(SECRETS)}\n`);
const sources = fc.oneof(
  { weight: 9, arbitrary: damaged(fc.constantFrom(text, Buffer.concat([text, text]), gzipSync(''))) },
  { weight: 1, arbitrary: noise.map((bytes) => Buffer.concat([text.subarray(0, 4), bytes])) },
);

fuzz('a compressed source is read to its end, or refused', sources, async (bytes) => {
  const path = join(folder, 'portfolio.csv.gz');
  // A new file: what overwrites one is written to the disk at once.
  rmSync(path, { force: true });
  writeFileSync(path, bytes);
  try {
    const source = await openSource({ path });
    for await (const block of source.read(0)) void block;
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    expectNoSecret(shownBy(error));
  }
});
