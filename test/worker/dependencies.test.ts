import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { loadConfig } from '../../config/load.js';
import { renewEncryptionKey, writeSandboxConfig, type Sandbox } from '../../dev/sandbox.js';
import { recipientMark } from '../../mastercard/jwe.js';
import { createDependencies } from '../../worker/dependencies.js';
import { changeProgram } from '../cli/command-line.js';
import { certificate, pem, rsaKeyPair } from '../mastercard/key-files.js';
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

/** Has the program show this certificate, and use this key. */
async function tls(certificatePem: string, pair: ReturnType<typeof rsaKeyPair>): Promise<void> {
  const [path, key] = ['client.pem', 'client.key'].map((name) => join(sandbox.folder, 'keys', name));
  await writeFile(path!, certificatePem);
  await writeFile(key!, pem(pair.privateKey, 'pkcs8'), { mode: 0o600 });
  await changeProgram(sandbox.configPath, (program) => void (program.tls = { certificate: path, key }));
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

  test('with a client certificate of another key', async () => {
    await tls(certificate(rsaKeyPair()), rsaKeyPair());
    await expect(start()).rejects.toMatchObject({ code: 'KEY_UNSUITABLE' });
  });

  test('with a proxy that cannot be one, of which nothing is shown', async () => {
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv('HTTPS_PROXY', 'http://user:12#SECRET@proxy.bank.example:3128');
    const refused = await start().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'PROXY_URL_INVALID' });
    expect(String((refused as Error).stack)).not.toContain('SECRET');
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
  test('with a client certificate that has expired, and says so', async () => {
    const pair = rsaKeyPair();
    await tls(certificate(pair, { to: new Date('2026-11-24') }), pair);
    await start();
    expect(log).toEqual([
      'the certificate of tls expired on 2026-11-24: get a valid one, put it in place with its key, and restart the workers',
    ]);
  });

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
