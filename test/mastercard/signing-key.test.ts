import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { KeyError, loadSigningKey } from '../../mastercard/keys.js';
import { KeyFolder, pem, pkcs12, rsaKeyPair } from './key-files.js';

const folder = new KeyFolder();
afterAll(() => folder.remove());

const pair = rsaKeyPair();
const SECRET = 'pass-PHRASE-77';
const env = { PASSWORD: SECRET, WRONG: 'wrong-PHRASE-78' };
const p12 = folder.write('signing.p12', pkcs12(pair, SECRET, 'keyalias'));

async function failure(...args: Parameters<typeof loadSigningKey>): Promise<KeyError> {
  const error: unknown = await loadSigningKey(...args).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(KeyError);
  const text = `${(error as Error).message}${(error as Error).stack}`;
  for (const secret of Object.values(env)) expect(text).not.toContain(secret);
  return error as KeyError;
}

describe('loadSigningKey', () => {
  it.each(['pkcs1', 'pkcs8'] as const)('reads a PEM of the form %s', async (type) => {
    const path = folder.write(`${type}.pem`, pem(pair.privateKey, type));
    expect((await loadSigningKey({ path }, {})).equals(pair.privateKey)).toBe(true);
  });

  it('reads a PEM after other text, as openssl writes it', async () => {
    const path = folder.write(
      'bag.pem',
      `Bag Attributes\n    friendlyName: x\n${pem(pair.privateKey, 'pkcs8')}`,
    );
    expect((await loadSigningKey({ path }, {})).equals(pair.privateKey)).toBe(true);
  });

  it('reads an encrypted PEM with its password, and says so when it is wrong or not given', async () => {
    const encrypted = pair.privateKey
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: SECRET })
      .toString();
    const path = folder.write('encrypted.pem', encrypted);
    const key = await loadSigningKey({ path, passwordEnv: 'PASSWORD' }, env);
    expect(key.equals(pair.privateKey)).toBe(true);
    expect((await failure({ path, passwordEnv: 'WRONG' }, env)).code).toBe('KEY_PASSWORD_WRONG');
    expect((await failure({ path }, env)).code).toBe('KEY_PASSWORD_WRONG');
  });

  it('reads PKCS#12 by its alias, or without one when the file holds one key', async () => {
    for (const alias of ['keyalias', undefined]) {
      const key = await loadSigningKey({ path: p12, alias, passwordEnv: 'PASSWORD' }, env);
      expect(key.equals(pair.privateKey)).toBe(true);
    }
  });

  it('names the aliases that exist when the configured one does not', async () => {
    const error = await failure({ path: p12, alias: 'other', passwordEnv: 'PASSWORD' }, env);
    expect(error.code).toBe('KEY_ALIAS_UNKNOWN');
    expect(error.message).toBe(
      `${p12}: no single key has the alias 'other'; keys in the file: 'keyalias'; set signingKey.alias to one of them`,
    );
  });

  it('says so when the password of PKCS#12 is wrong, not given, or its variable is not set', async () => {
    expect((await failure({ path: p12, passwordEnv: 'WRONG' }, env)).code).toBe('KEY_PASSWORD_WRONG');
    expect((await failure({ path: p12 }, env)).code).toBe('KEY_PASSWORD_WRONG');
    const missing = await failure({ path: p12, passwordEnv: 'NOT_SET' }, env);
    expect(missing.code).toBe('KEY_PASSWORD_MISSING');
    expect(missing.message).toContain('signingKey.passwordEnv');
    // Who mistakes the field writes the password there.
    expect(missing.message).not.toContain('NOT_SET');
  });

  it('says so when there is no such file', async () => {
    const error = await failure({ path: '/nowhere/signing.p12' }, {});
    expect(error.code).toBe('KEY_FILE_UNREADABLE');
    expect(error.message).toContain('/nowhere/signing.p12');
    expect(error.message).toContain('ENOENT');
  });

  it.each([
    ['text', 'hello'],
    ['nothing', ''],
    ['other DER', Buffer.from([0x30, 0x03, 0x02, 0x01, 0x05])],
    ['a public key', pem(pair.publicKey, 'spki')],
    ['a broken PEM', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'],
  ])('does not take %s for a key', async (name, content) => {
    const path = folder.write(name, content);
    expect((await failure({ path }, {})).code).toBe('KEY_FORMAT_UNKNOWN');
  });

  it('refuses RSA keys that are too short, and keys of another kind', async () => {
    const short = folder.write('short.pem', pem(rsaKeyPair(1024).privateKey, 'pkcs8'));
    const shortError = await failure({ path: short }, {});
    expect(shortError.code).toBe('KEY_UNSUITABLE');
    expect(shortError.message).toContain('1024 bits');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const ec = folder.write('ec.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }));
    expect((await failure({ path: ec }, {})).code).toBe('KEY_UNSUITABLE');
  });

  it.skipIf(!opensslIsHere())('reads PKCS#12 with the modern ciphers of OpenSSL 3', async () => {
    const key = folder.write('for-openssl.pem', pem(pair.privateKey, 'pkcs8'));
    const out = `${folder.path}/modern.p12`;
    const args = ['pkcs12', '-export', '-nocerts', '-inkey', key, '-name', 'modern', '-out', out];
    execFileSync('openssl', [...args, '-passout', 'env:PASSWORD'], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
    });
    const loaded = await loadSigningKey({ path: out, alias: 'modern', passwordEnv: 'PASSWORD' }, env);
    expect(loaded.equals(pair.privateKey)).toBe(true);
  });
});

function opensslIsHere(): boolean {
  try {
    return execFileSync('openssl', ['version']).toString().startsWith('OpenSSL 3');
  } catch {
    return false;
  }
}
