import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { namedSource } from '../../cli/bulk/named-source.js';
import { MAX_INPUT_BYTES } from '../../cli/input/bytes.js';
import { readRecords } from '../../cli/input/read-records.js';
import { loadConfig, MAX_CONFIG_BYTES } from '../../config/load.js';
import { loadEncryptionKey } from '../../mastercard/encryption-key.js';
import { MAX_KEY_FILE_BYTES } from '../../mastercard/key-material.js';
import { loadSigningIdentity } from '../../mastercard/signing-key.js';
import { fileKeyProvider } from '../../protection/file-key-provider.js';
import { MAX_KEY_RING_BYTES } from '../../protection/key-ring-json.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-large-'));
});
afterAll(() => rm(folder, { recursive: true }));

test.each<[string, number, (path: string) => Promise<unknown>]>([
  ['config.json', MAX_CONFIG_BYTES, loadConfig],
  ['keys.json', MAX_KEY_RING_BYTES, (path) => fileKeyProvider(path).read()],
  ['mastercard.pem', MAX_KEY_FILE_BYTES, (path) => loadEncryptionKey({ path })],
  ['signing.p12', MAX_KEY_FILE_BYTES, (path) => loadSigningIdentity({ path })],
  ['address.txt', 64 * 1024, (path) => namedSource(`@${path}`)],
])('a file of more bytes than its limit is refused: %s', async (name, limit, read) => {
  const path = join(folder, name);
  await writeFile(path, 'x', { mode: 0o600 });
  await truncate(path, limit + 1);
  await expect(read(path)).rejects.toThrow('(FILE_TOO_LARGE)');
});

test('a file of records that is too large for one batch is refused, with what to do', async () => {
  const path = join(folder, 'records.jsonl');
  await writeFile(path, 'x');
  await truncate(path, MAX_INPUT_BYTES + 1);
  await expect(readRecords(path)).rejects.toThrow(/more than the 64 MB .* c2p bulk start$/);
});
