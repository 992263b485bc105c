import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeyError, loadEncryptionKey } from '../../mastercard/keys.js';
import { KeyFolder, certificate, pem, rsaKeyPair } from './key-files.js';

const folder = new KeyFolder();
afterAll(() => folder.remove());

const pair = rsaKeyPair();
const other = rsaKeyPair();
const jwk = { ...pair.publicKey.export({ format: 'jwk' }), use: 'enc', kid: 'enc-1' };
const otherJwk = { ...other.publicKey.export({ format: 'jwk' }), use: 'enc', kid: 'enc-2' };
const fingerprint = createHash('sha256')
  .update(pair.publicKey.export({ type: 'spki', format: 'der' }))
  .digest('hex');

async function failure(...args: Parameters<typeof loadEncryptionKey>): Promise<KeyError> {
  const error: unknown = await loadEncryptionKey(...args).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(KeyError);
  return error as KeyError;
}

describe('loadEncryptionKey from a file', () => {
  it.each([
    ['a certificate', certificate(pair)],
    ['an SPKI PEM', pem(pair.publicKey, 'spki')],
    ['a PKCS#1 PEM', pem(pair.publicKey, 'pkcs1')],
    ['a JWK without kid', JSON.stringify({ ...jwk, kid: undefined })],
  ])(
    'reads %s; its id is the SHA-256 of the SubjectPublicKeyInfo, unless configured',
    async (name, content) => {
      const path = folder.write(`${name}.txt`, content);
      const { kid, key } = await loadEncryptionKey({ path });
      expect(key.equals(pair.publicKey)).toBe(true);
      expect(kid).toBe(fingerprint);
      expect((await loadEncryptionKey({ path, kid: 'mine' })).kid).toBe('mine');
    },
  );

  it('takes the id that a JWK has, and refuses another one', async () => {
    const path = folder.write('key.jwk', JSON.stringify(jwk));
    expect((await loadEncryptionKey({ path })).kid).toBe('enc-1');
    expect((await loadEncryptionKey({ path, kid: 'enc-1' })).kid).toBe('enc-1');
    const { code, message } = await failure({ path, kid: 'mine' });
    expect(code).toBe('KEY_ID_UNKNOWN');
    expect(message).toContain("the key has the kid 'enc-1', and encryptionKey.kid says 'mine'");
  });

  it('doubts a configured fingerprint that is neither of the key nor of its certificate', async () => {
    const cert = certificate(pair);
    const path = folder.write('mastercard.pem', cert);
    const doubted = async (kid?: string) => (await loadEncryptionKey({ path, kid })).kidInDoubt;
    const ofCertificate = new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase();
    for (const kid of [undefined, fingerprint, ofCertificate, 'mine']) expect(await doubted(kid)).toBe(false);
    expect(await doubted('0'.repeat(64))).toBe(true);
  });

  it("refuses the issuer's own key, with which Mastercard could read nothing", async () => {
    const path = folder.write('own.pem', pem(pair.publicKey, 'spki'));
    const { code, message } = await failure({ path }, pair.privateKey);
    expect(code).toBe('KEY_UNSUITABLE');
    expect(message).toContain('this key belongs to signingKey');
    expect((await loadEncryptionKey({ path }, other.privateKey)).kid).toBe(fingerprint);
  });

  it('reads a JWK set like one at a URL', async () => {
    const path = folder.write('set.json', JSON.stringify({ keys: [jwk, otherJwk] }));
    const { kid, key } = await loadEncryptionKey({ path, kid: 'enc-2' });
    expect(kid).toBe('enc-2');
    expect(key.equals(other.publicKey)).toBe(true);
  });

  it('refuses private keys, which node:crypto would accept', async () => {
    const privatePem = folder.write('private.pem', pem(pair.privateKey, 'pkcs8'));
    const privateJwk = folder.write('private.jwk', JSON.stringify(pair.privateKey.export({ format: 'jwk' })));
    for (const path of [privatePem, privateJwk]) {
      const error = await failure({ path });
      expect(error.code).toBe('KEY_UNSUITABLE');
      expect(error.message).toMatch(/this is a private key/);
    }
  });

  it('refuses RSA keys that are too short, and keys of another kind', async () => {
    const short = folder.write('short.pem', pem(rsaKeyPair(1024).publicKey, 'spki'));
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const ec = folder.write('ec.pem', publicKey.export({ type: 'spki', format: 'pem' }));
    for (const path of [short, ec]) expect((await failure({ path })).code).toBe('KEY_UNSUITABLE');
  });

  it('refuses a certificate that is none, also beside a key', async () => {
    const none = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const path = folder.write('damaged.pem', pem(rsaKeyPair().publicKey, 'spki') + none);
    expect((await failure({ path })).code).toBe('KEY_FORMAT_UNKNOWN');
  });

  it.each(['', 'hello', '{', '{"a":1}', '{"kty":"RSA","n":"x"}', '-----BEGIN CERTIFICATE-----\nAAAA\n'])(
    'does not take %j for a key',
    async (content) => {
      const path = folder.write('content', content);
      const error = await failure({ path });
      expect(error.code).toBe('KEY_FORMAT_UNKNOWN');
      expect(error.message).toContain(path);
    },
  );

  it('says so when there is no such file', async () => {
    expect((await failure({ path: '/nowhere/mastercard.pem' })).code).toBe('KEY_FILE_UNREADABLE');
  });
});

describe('loadEncryptionKey from a JWKS URL', () => {
  let server: Server;
  let url: string;
  let reply: (response: ServerResponse) => void;
  const keys = (...members: unknown[]) => {
    reply = (response) => response.end(JSON.stringify({ keys: members }));
  };

  beforeAll(async () => {
    server = createServer((_request, response) => reply(response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('takes the first RSA key for encryption', async () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
    keys({ ...otherJwk, use: 'sig' }, { ...ec, use: 'enc', kid: 'ec' }, null, 'x', jwk, otherJwk);
    const { kid, key } = await loadEncryptionKey({ jwksUrl: url });
    expect(kid).toBe('enc-1');
    expect(key.equals(pair.publicKey)).toBe(true);
  });

  it('takes the one with the configured kid', async () => {
    keys(jwk, otherJwk);
    const { kid, key } = await loadEncryptionKey({ jwksUrl: url, kid: 'enc-2' });
    expect(kid).toBe('enc-2');
    expect(key.equals(other.publicKey)).toBe(true);
  });

  it('derives the id of a key that has none', async () => {
    keys({ ...jwk, kid: undefined });
    expect((await loadEncryptionKey({ jwksUrl: url })).kid).toBe(fingerprint);
  });

  it('passes over a byte order mark', async () => {
    reply = (response) => response.end(`\ufeff${JSON.stringify({ keys: [jwk] })}`);
    expect((await loadEncryptionKey({ jwksUrl: url })).kid).toBe('enc-1');
  });

  it('takes a key that does not say what it is for where no other can be meant', async () => {
    const { use: _, ...open } = jwk;
    keys({ ...otherJwk, use: 'sig' }, open);
    expect((await loadEncryptionKey({ jwksUrl: url })).kid).toBe('enc-1');
  });

  it('sees a rotated key at the next call', async () => {
    keys(jwk);
    expect((await loadEncryptionKey({ jwksUrl: url })).kid).toBe('enc-1');
    keys(otherJwk);
    expect((await loadEncryptionKey({ jwksUrl: url })).kid).toBe('enc-2');
  });

  it('names the keys that the set has when the wanted one is missing', async () => {
    keys(jwk, { ...otherJwk, use: 'sig' });
    const error = await failure({ jwksUrl: url, kid: 'enc-2' });
    expect(error.code).toBe('KEY_ID_UNKNOWN');
    expect(error.message).toContain(`no RSA key with kid 'enc-2' for encryption (use: enc); it has: 'enc-1'`);
    keys();
    expect((await failure({ jwksUrl: url })).message).toContain('it has: none');
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['an error', (response) => response.writeHead(500).end('{"keys":[]}')],
    ['a redirect', (response) => response.writeHead(302, { location: '/elsewhere' }).end()],
    ['HTML', (response) => response.end('<html></html>')],
    ['another JSON', (response) => response.end('{"key":[]}')],
    ['more than a key set can be', (response) => response.end(`{"keys":["${'x'.repeat(2_000_000)}"]}`)],
    ['a broken connection', (response) => response.destroy()],
    ['half an answer', (response) => response.writeHead(200, { 'content-length': '99' }).end('{"keys":')],
  ])('says that the keys cannot be fetched when the answer is %s', async (_name, answer) => {
    reply = answer;
    const error = await failure({ jwksUrl: url });
    expect(error.code).toBe('KEY_SET_UNAVAILABLE');
    expect(error.message).toContain(url);
  });

  it('asks no address in clear text, except on this machine', async () => {
    for (const jwksUrl of ['http://src.mastercard.com/keys', 'ftp://127.0.0.1/keys', 'keys.json']) {
      const error = await failure({ jwksUrl });
      expect(error.code).toBe('KEY_SET_UNAVAILABLE');
      expect(error.message).toMatch(/must be an https address/);
    }
  });
});
