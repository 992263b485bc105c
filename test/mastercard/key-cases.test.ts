import { execFileSync, spawnSync } from 'node:child_process';
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { KeyError, keyFingerprint, loadEncryptionKey, loadSigningIdentity } from '../../mastercard/keys.js';
import { certificate, KeyFolder, pem, rsaKeyPair } from './key-files.js';

/** Key files as banks have them: each is one that a program of theirs wrote, or that one of their editors spoiled. */

// A blank and a quote, which the commands of the messages must survive.
const folder = new KeyFolder("c2p-bank's keys-");
afterAll(() => folder.remove());

const kept = (name: string) => readFileSync(fileURLToPath(new URL(`keys/${name}`, import.meta.url)));
const text = (name: string) => kept(name).toString('latin1');
const utf16 = (content: string) => Buffer.from(`\ufeff${content}`, 'utf16le');
const der = (content: string) => Buffer.from(content.replace(/-----.*?-----|\s/g, ''), 'base64');
const lines = (content: string, ending: string) => content.trim().replaceAll('\n', ending);

/** The content of a case: a file that is kept, or what a kept one would be elsewhere. */
type Content = string | Buffer;
const stored = (name: string, content: Content = kept(name)) => folder.write(name, content);

async function failure(loading: Promise<unknown>): Promise<KeyError> {
  const error: unknown = await loading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(KeyError);
  return error as KeyError;
}

const SIGNING_PEM = text('signing.pem');
const SIGNING_KEY = createPrivateKey(SIGNING_PEM);
const SECRET = 'secret1';
const UMLAUT = 'Schlüssel1';
const EURO = 'Schlüssel€1';

interface SigningCase {
  alias?: string | undefined;
  password?: string | undefined;
}

async function signing(path: string, { alias, password }: SigningCase = {}) {
  const env = password === undefined ? {} : { PASSWORD: password };
  const passwordEnv = password === undefined ? undefined : 'PASSWORD';
  return (await loadSigningIdentity({ path, alias, passwordEnv }, env)).key;
}

/** @returns the message without the path before it. */
async function refused(path: string, code: string, options: SigningCase = {}): Promise<string> {
  const error = await failure(signing(path, options));
  expect(error).toMatchObject({ code });
  for (const secret of [SECRET, UMLAUT]) expect(error.message).not.toContain(secret);
  expect(error.message.startsWith(`${path}: `)).toBe(true);
  return error.message.slice(path.length + 2);
}

/** keytool makes the keys of its files itself. */
function expectKeyOf(name: string, key: KeyObject): void {
  if (name.startsWith('java')) expect(key.asymmetricKeyType).toBe('rsa');
  else expect(key.equals(SIGNING_KEY)).toBe(true);
}

describe('signingKey', () => {
  const alias = 'keyalias';
  test.each<[string, SigningCase, Content?]>([
    ['p12-modern-umlaut.p12', { alias, password: UMLAUT }],
    ['p12-modern-nomac-umlaut.p12', { alias, password: UMLAUT }],
    ['p12-modern-euro.p12', { alias, password: EURO }],
    ['p12-legacy-umlaut.p12', { alias, password: UMLAUT }],
    ['p12-legacy-euro.p12', { alias, password: EURO }],
    ['p12-modern-ascii.p12', { alias, password: SECRET }],
    ['p12-sha512mac.p12', { alias, password: SECRET }],
    ['p12-aes128.p12', { alias, password: SECRET }],
    ['p12-modern-nomac.p12', { alias, password: SECRET }],
    ['p12-plain-nomac.p12', { alias, password: '' }],
    ['p12-plain-nomac.p12', { alias }],
    ['p12-modern-empty.p12', { alias, password: '' }],
    ['p12-legacy-empty.p12', { alias, password: '' }],
    ['p12-noname.p12', { password: SECRET }],
    ['p12-Alias-case.p12', { alias: 'KeyAlias', password: SECRET }],
    ['p12-alias-umlaut.p12', { alias: 'Schlüssel Bank', password: SECRET }],
    ['java17.p12', { alias, password: SECRET }],
    ['java-two.p12', { alias, password: SECRET }],
    ['java-ec.p12', { alias, password: SECRET }],
    ['java-trusted.p12', { password: SECRET }],
    ['pem-pkcs8-aes-umlaut.pem', { password: UMLAUT }],
    ['pem-pkcs8-3des.pem', { password: SECRET }],
    ['pem-scrypt.pem', { password: SECRET }],
    ['pem-trad-aes.pem', { password: SECRET }],
    ['pem-trad-des3.pem', { password: SECRET }],
    ['pem-cert-first.pem', {}, text('signing-certificate.pem') + SIGNING_PEM],
    ['pem-other-cert-first.pem', {}, text('mc.pem') + SIGNING_PEM + text('signing-certificate.pem')],
    ['pem-bom.pem', {}, `\ufeff${SIGNING_PEM}`],
    ['pem-crlf.pem', {}, lines(SIGNING_PEM, '\r\n')],
  ])('opens %s with %j', async (name, options, content) => {
    const key = await signing(stored(name, content), options);
    expectKeyOf(name, key);
  });

  test('a key without a name needs no alias, and the message says so', async () => {
    expect(await refused(stored('p12-noname.p12'), 'KEY_ALIAS_UNKNOWN', { alias, password: SECRET })).toBe(
      "no single key has the alias 'keyalias'; keys in the file: one without alias; leave signingKey.alias out",
    );
  });

  test.each([
    ['p12-Alias-case.p12', alias, "'KeyAlias'"],
    ['java17.p12', 'KeyAlias', "'keyalias'"],
    ['java-two.p12', undefined, "'keyalias', 'second'"],
  ])('an alias of another case is another one: %s with %s', async (name, other, known) => {
    const message = await refused(stored(name), 'KEY_ALIAS_UNKNOWN', { alias: other, password: SECRET });
    expect(message).toContain(`keys in the file: ${known}; set signingKey.alias to one of them`);
  });

  test('an EC key is not for Mastercard', async () => {
    await refused(stored('java-ec.p12'), 'KEY_UNSUITABLE', { alias: 'eckey', password: SECRET });
    const { privateKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
    const rsaPss = privateKey.export({ type: 'pkcs8', format: 'pem' });
    await refused(stored('pem-rsapss.pem', rsaPss), 'KEY_UNSUITABLE');
  });

  test.each([
    ['p12-modern-umlaut.p12', 'Schlussel1'],
    ['p12-modern-umlaut.p12', 'Schlüssel2'],
    ['p12-modern-nomac-umlaut.p12', 'Schlüssel2'],
    ['p12-modern-nomac.p12', 'secret2'],
    ['p12-legacy-umlaut.p12', 'Schlüssel2'],
    ['pem-pkcs8-aes-umlaut.pem', 'Schlüssel2'],
    ['pem-scrypt.pem', 'secret2'],
    ['pem-trad-aes.pem', 'secret2'],
  ])('%s does not open with another password', async (name, password) => {
    const message = await refused(stored(name), 'KEY_PASSWORD_WRONG', { password });
    expect(message).toBe(
      'the password does not open the file; check the variable that signingKey.passwordEnv names',
    );
  });

  test.each(['\n', '\r', '\r\n'])('a password that ends in %j is used so, with a hint', async (ending) => {
    for (const name of ['p12-modern-ascii.p12', 'pem-trad-aes.pem']) {
      const message = await refused(stored(name), 'KEY_PASSWORD_WRONG', { password: SECRET + ending });
      expect(message).toMatch(/; it ends in a line break, which counts: .* names without one$/);
    }
  });

  test.each(['p12-modern-ascii.p12', 'pem-trad-aes.pem', 'pem-scrypt.pem', 'pem-pkcs8-md5des.pem'])(
    '%s without passwordEnv: the message says what is missing',
    async (name) => {
      expect(await refused(stored(name), 'KEY_PASSWORD_WRONG')).toMatch(
        /^the file is encrypted, and signingKey\.passwordEnv is not set; set it to the name of an environment/,
      );
    },
  );

  test.each<[string, string, Content, SigningCase?]>([
    ['signing-pkcs8.der', 'this is a private key in DER', der(SIGNING_PEM)],
    ['signing-pkcs1.der', 'this is a private key in DER', der(pem(SIGNING_KEY, 'pkcs1'))],
    ['encrypted.der', 'this is an encrypted private key in DER', kept('encrypted.der')],
    ['java.jks', 'this is a Java key store (JKS)', kept('java.jks')],
    ['p12-base64.p12', 'this is PKCS#12 in base64', kept('p12-modern-ascii.p12').toString('base64')],
    ['pem-base64.pem', 'this is PEM in base64', Buffer.from(SIGNING_PEM).toString('base64')],
    ['der-base64.txt', 'this is DER in base64', der(SIGNING_PEM).toString('base64')],
    ['pem-utf16.pem', 'this is UTF-16 text', utf16(SIGNING_PEM)],
    ['pem-one-line.pem', 'this is a PEM without line breaks', lines(SIGNING_PEM, ' ')],
    ['pem-no-breaks.pem', 'this is a PEM without line breaks', lines(SIGNING_PEM, '')],
    [
      'pem-escaped-newlines.pem',
      'this is a PEM whose line breaks are written as \\n',
      lines(SIGNING_PEM, '\\n'),
    ],
    [
      'pem-escaped-crlf.pem',
      'this is a PEM whose line breaks are written as \\n',
      lines(SIGNING_PEM, '\\r\\n'),
    ],
    [
      'pem-pkcs8-md5des.pem',
      'the key is encrypted with a cipher that is not supported (an old one, such as PBE-MD5-DES',
      kept('pem-pkcs8-md5des.pem'),
    ],
    [
      'java-secret.p12',
      'this PKCS#12 file also holds a secret key, which c2p does not read',
      kept('java-secret.p12'),
    ],
    [
      'p12-mixed-umlaut.p12',
      'this PKCS#12 file is damaged, or holds something that c2p does not read',
      kept('p12-mixed-umlaut.p12'),
      { password: UMLAUT },
    ],
  ])(
    'refuses %s, and the command of the message makes a file that opens',
    async (name, what, content, { password = SECRET } = {}) => {
      const path = stored(name, content);
      const message = await refused(path, 'KEY_FORMAT_UNKNOWN', { password });
      expect(message.startsWith(what), message).toBe(true);
      const made = await converted(
        path,
        message,
        'signingKey',
        (one) => signing(one, { password }),
        password,
      );
      if (made) expectKeyOf(name, made);
    },
  );
});

const MASTERCARD_PEM = text('mc.pem');
const MASTERCARD_KEY = createPublicKey(MASTERCARD_PEM);
const FINGERPRINT = 'a2b3bb40';
const jwk = (more: object, key = MASTERCARD_KEY) => ({ ...key.export({ format: 'jwk' }), ...more });
const set = (...keys: unknown[]) => JSON.stringify({ keys });
const OTHER = rsaKeyPair().publicKey;

const encryption = async (path: string, kid?: string) => loadEncryptionKey({ path, kid });

async function notTaken(path: string, code: string, kid?: string): Promise<string> {
  const error = await failure(encryption(path, kid));
  expect(error).toMatchObject({ code });
  expect(error.message.startsWith(`${path}: `)).toBe(true);
  return error.message.slice(path.length + 2);
}

describe('encryptionKey', () => {
  const withText = `Certificate:\n    Data:\n        Version: 3 (0x2)\n${MASTERCARD_PEM}`;

  test.each<[string, Content]>([
    ['mc.pem', MASTERCARD_PEM],
    ['mc-bom.pem', `\ufeff${MASTERCARD_PEM}`],
    ['mc-crlf.pem', lines(MASTERCARD_PEM, '\r\n')],
    ['mc-text.pem', withText],
    ['mc-chain.pem', MASTERCARD_PEM + text('ca.pem')],
    ['mc-chain-ca-first.pem', text('ca.pem') + MASTERCARD_PEM],
    ['mc-twice.pem', MASTERCARD_PEM + withText],
    ['mc-and-its-key.pem', pem(MASTERCARD_KEY, 'spki') + MASTERCARD_PEM],
  ])("reads %s, whose kid is the key's fingerprint unless it is configured", async (name, content) => {
    const path = stored(name, content);
    const { key, kid } = await encryption(path);
    expect(key.equals(MASTERCARD_KEY)).toBe(true);
    expect(kid).toBe(keyFingerprint(MASTERCARD_KEY));
    expect(kid.startsWith(FINGERPRINT)).toBe(true);
    const label = '20261130120000-sandbox-fpan-encryption';
    expect(await encryption(path, label)).toMatchObject({ kid: label, kidInDoubt: false });
  });

  test.each([
    ['ca2.pem', 'leaf2.pem'],
    ['leaf2.pem', 'ca2.pem'],
    ['ca.pem', 'leaf2.pem'],
    ['mc.pem', 'leaf2.pem'],
  ])('takes the certificate of the leaf of %s and %s', async (...names) => {
    const { key, certificate } = await encryption(stored('chain.pem', names.map(text).join('')));
    const leaf = new X509Certificate(kept('leaf2.pem'));
    expect(certificate!.raw.equals(leaf.raw)).toBe(true);
    expect(key.equals(leaf.publicKey)).toBe(true);
  });

  test.each([
    ['the certificate of a CA by its key usage', ['ca2.pem']],
    ['the certificate of a CA by its name', ['ca.pem']],
    ['the certificates of CAs', ['ca.pem', 'ca2.pem']],
  ])('never takes %s', async (_what, names) => {
    const path = stored('ca-only.pem', names.map(text).join(''));
    expect(await notTaken(path, 'KEY_UNSUITABLE')).toMatch(
      /^the file has certificates of a CA only, .*; set encryptionKey\.path to Mastercard's certificate/,
    );
  });

  test.each([
    ['two leaves', text('leaf2.pem') + certificate(rsaKeyPair())],
    ['two leaves and a CA', text('ca2.pem') + text('leaf2.pem') + certificate(rsaKeyPair())],
    ['two public keys', pem(MASTERCARD_KEY, 'spki') + pem(OTHER, 'spki')],
    ['a certificate and the key of another', MASTERCARD_PEM + pem(OTHER, 'pkcs1')],
  ])('does not guess between %s', async (_what, content) => {
    expect(await notTaken(stored('several.pem', content), 'KEY_UNSUITABLE')).toMatch(
      /^the file has several keys, .*; set encryptionKey\.path to a file with that one only$/,
    );
  });

  test.each<[string, string]>([
    ['jwk-bom.json', `\ufeff${JSON.stringify(jwk({ use: 'enc', kid: 'a' }))}`],
    ['jwks-bom.json', `\ufeff${set(jwk({ use: 'enc', kid: 'a' }))}`],
    ['jwk-nouse.json', JSON.stringify(jwk({ kid: 'a' }))],
    ['jwks-nouse.json', set(jwk({ kid: 'a' }))],
    ['jwks-nouse-alg.json', set(jwk({ kid: 'a', alg: 'RSA-OAEP-256' }))],
    ['jwks-nouse-ops.json', set(jwk({ kid: 'a', key_ops: ['wrapKey'] }))],
    ['jwks-nouse-and-sig.json', set(jwk({ use: 'sig', kid: 'b' }, OTHER), jwk({ kid: 'a' }))],
    ['jwks-nouse-and-ops.json', set(jwk({ key_ops: ['verify'], kid: 'b' }, OTHER), jwk({ kid: 'a' }))],
    ['jwks-nouse-and-alg.json', set(jwk({ alg: 'RS256', kid: 'b' }, OTHER), jwk({ kid: 'a' }))],
    ['jwks-nouse-and-enc.json', set(jwk({ kid: 'b' }, OTHER), jwk({ use: 'enc', kid: 'a' }))],
    ['jwks-same-kid.json', set(jwk({ use: 'sig', kid: 'a' }, OTHER), jwk({ use: 'enc', kid: 'a' }))],
    ['jwks-same-kid-nouse.json', set(jwk({ kid: 'a' }, OTHER), jwk({ use: 'enc', kid: 'a' }))],
    ['jwks-first-of-two.json', set(jwk({ use: 'enc', kid: 'a' }), jwk({ use: 'enc', kid: 'b' }, OTHER))],
  ])('takes of %s the key for encryption, configured or not', async (name, content) => {
    const path = stored(name, content);
    for (const kid of [undefined, 'a']) {
      const loaded = await encryption(path, kid);
      expect(loaded.kid).toBe('a');
      expect(loaded.key.equals(MASTERCARD_KEY)).toBe(true);
    }
  });

  test.each([
    ['jwks-two-enc.json', set(jwk({ use: 'enc', kid: 'old' }, OTHER), jwk({ use: 'enc', kid: 'new' }))],
    ['jwks-two-nouse.json', set(jwk({ kid: 'old' }, OTHER), jwk({ kid: 'new' }))],
  ])('takes of %s the key that is configured', async (name, content) => {
    const { key } = await encryption(stored(name, content), 'new');
    expect(key.equals(MASTERCARD_KEY)).toBe(true);
  });

  test('does not guess between keys of a set that do not say what they are for', async () => {
    const path = stored('jwks-two-nouse.json', set(jwk({ kid: 'old' }, OTHER), jwk({ kid: 'new' })));
    expect(await notTaken(path, 'KEY_ID_UNKNOWN')).toBe(
      'the set has several RSA keys, none of which says that it is for encryption (use: enc); ' +
        "it has: 'old', 'new'; set encryptionKey.kid to the one of Mastercard's",
    );
  });

  test.each([{ use: 'sig' }, { key_ops: ['verify'] }, { key_ops: 'encrypt' }, { alg: 'RS256' }, { alg: 7 }])(
    'takes no key for another purpose, by whatever says so: %j',
    async (other) => {
      const one = jwk({ kid: 'a', ...other });
      for (const kid of [undefined, 'a']) {
        await notTaken(stored('set.json', set(one)), 'KEY_ID_UNKNOWN', kid);
        await notTaken(stored('key.json', JSON.stringify(one)), 'KEY_UNSUITABLE', kid);
      }
    },
  );

  test.each([
    ['jwk-array.json', JSON.stringify([jwk({ use: 'enc', kid: 'a' })]), 'KEY_FORMAT_UNKNOWN'],
    ['jwk-x5c-only.json', set({ kty: 'RSA', use: 'enc', kid: 'x', x5c: ['MIIDKzCC'] }), 'KEY_FORMAT_UNKNOWN'],
    ['jwk-kidnum.json', set(jwk({ use: 'enc', kid: 12345 })), 'KEY_ID_UNKNOWN'],
  ])('refuses %s', async (name, content, code) => {
    await notTaken(stored(name, content), code);
  });

  test.each<[string, string, Content]>([
    ['mc.der', 'this is a certificate in DER', der(MASTERCARD_PEM)],
    ['mc-key.der', 'this is a public key in DER', der(pem(MASTERCARD_KEY, 'spki'))],
    ['mc.p7b', 'this is PKCS#7 in PEM', kept('mc.p7b')],
    ['mc-der.p7b', 'this is PKCS#7 in DER', kept('mc-der.p7b')],
    ['mc-trusted.pem', 'this is a TRUSTED CERTIFICATE of OpenSSL', kept('mc-trusted.pem')],
    ['mc-utf16.pem', 'this is UTF-16 text', utf16(MASTERCARD_PEM)],
    ['jwk-utf16.json', 'this is UTF-16 text', utf16(JSON.stringify(jwk({ use: 'enc' })))],
    ['mc-base64.pem', 'this is PEM in base64', Buffer.from(MASTERCARD_PEM).toString('base64')],
    ['mc-der-base64.txt', 'this is DER in base64', der(MASTERCARD_PEM).toString('base64')],
    ['mc-one-line.pem', 'this is a PEM without line breaks', lines(MASTERCARD_PEM, ' ')],
    ['mc-escaped.pem', 'this is a PEM whose line breaks are written as \\n', lines(MASTERCARD_PEM, '\\n')],
  ])('refuses %s, and the command of the message makes a file that is read', async (name, what, content) => {
    const path = stored(name, content);
    const message = await notTaken(path, 'KEY_FORMAT_UNKNOWN');
    expect(message.startsWith(`${what}; `), message).toBe(true);
    const made = await converted(path, message, 'encryptionKey', encryption);
    if (made) expect(made.key.equals(MASTERCARD_KEY)).toBe(true);
  });
});

/** Those of the commands that this machine has; the options of openssl are those of version 3. */
const TOOLS = ['openssl && openssl version | grep "OpenSSL 3"', 'keytool', 'iconv', 'base64', 'awk']
  .filter((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0)
  .map((tool) => tool.split(' ')[0]!);

/**
 * Runs the command of a refusal, and of the refusals of what it makes: in base64 may be what must be converted, too.
 * @returns what is loaded in the end; nothing where a tool is not on this machine.
 */
async function converted<Loaded>(
  path: string,
  message: string,
  field: string,
  load: (path: string) => Promise<Loaded>,
  password = '',
): Promise<Loaded | undefined> {
  const [, command] = new RegExp(`; convert it with: (.+) and set ${field}\\.path to the new file$`).exec(
    message,
  )!;
  const tool = /(?:umask 077; )?(\w+)/.exec(command!)![1]!;
  if (!TOOLS.includes(tool)) return undefined;
  // They ask for the password at the terminal.
  const unasked = command!
    .replace(/openssl (pkey|pkcs12)(?! -pubin)/, '$& -passin env:PASSWORD -passout env:PASSWORD')
    .replace('-importkeystore', '$& -srcstorepass:env PASSWORD -deststorepass:env PASSWORD');
  execFileSync('sh', ['-c', unasked], { env: { ...process.env, PASSWORD: password }, stdio: 'ignore' });
  const made = readdirSync(folder.path).map((name) => join(folder.path, name));
  const next = made.find((one) => one !== path && one.startsWith(`${path}.`))!;
  if (field === 'signingKey') expect(statSync(next).mode & 0o077).toBe(0);
  return load(next).catch((error: Error) =>
    converted(next, error.message.slice(next.length + 2), field, load, password),
  );
}
