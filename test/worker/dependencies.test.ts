import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../config/load.js';
import { renewEncryptionKey, writeSandboxConfig, type Sandbox } from '../../dev/sandbox.js';
import { recipientMark } from '../../mastercard/jwe.js';
import { createDependencies } from '../../worker/dependencies.js';
import { changeProgram } from '../cli/command-line.js';
import { certificate, rsaKeyPair } from '../mastercard/key-files.js';
import { sandboxKeysIn } from '../support/sandbox-keys.js';

let sandbox: Sandbox;
let log: string[];
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'c2p-test-'));
  sandbox = await writeSandboxConfig(await sandboxKeysIn(folder), { baseUrl: 'http://127.0.0.1:9/api' });
  log = [];
});
afterEach(() => rm(sandbox.folder, { recursive: true, force: true }));

async function start() {
  const note = (_fields: unknown, message: string) => void log.push(message);
  const logger = { info: note, warn: note } as unknown as Logger;
  const dependencies = await createDependencies(await loadConfig(sandbox.configPath), logger);
  onTestFinished(() => dependencies.close());
  return dependencies;
}

function encryptionKey(source: Record<string, string>): Promise<void> {
  return changeProgram(sandbox.configPath, (program) => void (program.encryptionKey = source));
}

describe('a worker does not start', () => {
  test("with its own key as Mastercard's", async () => {
    await copyFile(sandbox.keys.signingPublicKey, sandbox.keys.encryptionCertificate);
    await expect(start()).rejects.toMatchObject({
      code: 'KEY_UNSUITABLE',
      message: expect.stringContaining('this key belongs to signingKey') as string,
    });
  });

  test('with a kid that is not that of the key', async () => {
    const { publicKey } = rsaKeyPair();
    const jwk = { ...publicKey.export({ format: 'jwk' }), use: 'enc', kid: 'enc-1' };
    const path = join(sandbox.folder, 'keys', 'mastercard.jwk');
    await writeFile(path, JSON.stringify(jwk));
    await encryptionKey({ path, kid: 'enc-2' });
    await expect(start()).rejects.toMatchObject({ code: 'KEY_ID_UNKNOWN' });
  });
});

test('a worker that lacks a program ends no batch of it: what it was to do is retried, and it says what to do', async () => {
  const dependencies = await start();
  expect(() => dependencies.program('other')).toThrow(
    expect.objectContaining({
      type: 'ConfigurationInvalid',
      nonRetryable: false,
      message: expect.stringContaining("no program 'other': add it there") as string,
    }) as Error,
  );
});

describe('a worker starts', () => {
  test('where the key set does not answer, and says so', async () => {
    await encryptionKey({ jwksUrl: 'http://127.0.0.1:9/keys' });
    const dependencies = await start();
    expect(log).toEqual([expect.stringContaining('encryptionKey cannot be read')]);
    await expect(dependencies.program('demo').recipient()).rejects.toMatchObject({
      code: 'KEY_SET_UNAVAILABLE',
    });
  });

  test('with a certificate that ends soon, and says so', async () => {
    const soon = certificate(rsaKeyPair(), { to: new Date(Date.now() + 10 * 24 * 3_600_000 + 60_000) });
    await writeFile(sandbox.keys.encryptionCertificate, soon);
    await start();
    expect(log).toEqual([
      expect.stringMatching(/^the certificate of encryptionKey expires on .*, in 10 days/),
    ]);
  });

  test('and encrypts to the key that is in the file when it is needed, and says that it changed', async () => {
    const dependencies = await start();
    const before = recipientMark(await dependencies.program('demo').recipient());
    await renewEncryptionKey(sandbox);
    expect(recipientMark(await dependencies.program('demo').recipient(before))).not.toBe(before);
    expect(log).toEqual(["Mastercard's encryption key has changed"]);
  });
});
