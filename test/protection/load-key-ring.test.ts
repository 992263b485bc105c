import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeyRing, loadKeyRing } from '../../protection/key-ring.js';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-key-ring-'));
  path = join(folder, 'data-keys.json');
});
afterEach(() => rm(folder, { recursive: true }));

describe('loadKeyRing', () => {
  it('reads a key ring that only its owner can read', async () => {
    await writeFile(path, JSON.stringify(KeyRing.generate()), { mode: 0o600 });
    expect((await loadKeyRing(path)).currentKeyId).toBe('k1');
  });

  it.skipIf(process.platform === 'win32').each(['0640', '0604', '0660'])(
    'refuses one with mode %s and gives the command that helps',
    async (mode) => {
      await writeFile(path, JSON.stringify(KeyRing.generate()));
      await chmod(path, mode);
      await expect(loadKeyRing(path)).rejects.toThrow(`(mode ${mode}); run: chmod 600 '${path}'`);
    },
  );

  it('says so when there is no file, or a folder in its place', async () => {
    await expect(loadKeyRing(path)).rejects.toMatchObject({
      code: 'KEY_RING_INVALID',
      message: `key ring ${path}: there is no such file; set dataKeys.path to where the key ring is`,
    });
    await expect(loadKeyRing(folder)).rejects.toThrow(/cannot be read \(EISDIR\)/);
  });

  it('does not quote a file that is not JSON', async () => {
    await writeFile(path, '{"current":"k1", SECRETSECRET', { mode: 0o600 });
    const error = await loadKeyRing(path).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: `key ring ${path}: is not JSON` });
    expect((error as Error).cause).toBeUndefined();
  });
});
