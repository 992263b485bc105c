import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkEncryptionKey } from '../../doctor/encryption-key.js';
import { checkSigningKey } from '../../doctor/signing-key.js';
import { keyFingerprint } from '../../mastercard/keys.js';
import { certificate, KeyFolder, pem, pkcs12, rsaKeyPair } from '../mastercard/key-files.js';

const NOW = new Date('2026-11-24T12:00:00Z');
const PASSWORD = { PASSWORD: 'open sesame' };

const folder = new KeyFolder();
afterAll(() => folder.remove());
const pair = rsaKeyPair();
const other = rsaKeyPair();
const fingerprint = keyFingerprint(pair.publicKey);

async function signing(path: string, source: { alias?: string; passwordEnv?: string } = {}, env = {}) {
  return (await checkSigningKey('demo', { path, ...source }, env, NOW)).findings;
}

function inPkcs12(name: string, certificatePem: string) {
  const path = folder.write(name, pkcs12(pair, PASSWORD.PASSWORD, 'mine', certificatePem));
  return signing(path, { alias: 'mine', passwordEnv: 'PASSWORD' }, PASSWORD);
}

describe('the signing key', () => {
  test('of a PKCS#12 file is shown with size and fingerprint, its certificate with its end', async () => {
    expect(await inPkcs12('good.p12', certificate(pair))).toEqual([
      {
        check: 'signing-key',
        program: 'demo',
        status: 'ok',
        found: `RSA 2048, fingerprint ${fingerprint}`,
      },
      { check: 'signing-certificate', program: 'demo', status: 'ok', found: 'valid until 2049-01-01' },
    ]);
  });

  test('without a certificate is well, and its end unknown', async () => {
    expect(await signing(folder.write('bare.pem', pem(pair.privateKey, 'pkcs8')))).toMatchObject([
      { status: 'ok', found: expect.stringContaining('no certificate in the file') as string },
    ]);
  });

  test('fails with a certificate of another key, in PKCS#12 as in PEM', async () => {
    const mismatch = [
      { check: 'signing-key', status: 'ok' },
      {
        check: 'signing-certificate',
        status: 'failed',
        found: 'belongs to another key than the private key beside it',
      },
    ];
    expect(await inPkcs12('mismatch.p12', certificate(other))).toMatchObject(mismatch);
    const both = pem(pair.privateKey, 'pkcs8') + certificate(other);
    expect(await signing(folder.write('mismatch.pem', both))).toMatchObject(mismatch);
  });

  test('takes of several certificates the one that belongs to the key', async () => {
    const chain = pem(pair.privateKey, 'pkcs8') + certificate(other) + certificate(pair);
    expect((await signing(folder.write('chain.pem', chain))).at(-1)).toMatchObject({ status: 'ok' });
  });

  test.each([
    ['failed', 'expired on 2026-11-23', new Date('2026-11-23T12:00:00Z')],
    ['failed', 'expired on 2026-11-24', new Date('2026-11-24T11:59:59Z')],
    ['warning', 'expires on 2026-12-24, in 29 days', new Date('2026-12-24T11:59:59Z')],
    ['ok', 'valid until 2026-12-24', new Date('2026-12-24T12:00:00Z')],
  ])('%s when its certificate %s', async (status, found, to) => {
    expect((await inPkcs12('dated.p12', certificate(pair, { to }))).at(-1)).toMatchObject({ status, found });
  });

  test('fails with a certificate that begins later', async () => {
    const early = certificate(pair, { from: new Date('2026-12-01') });
    expect((await inPkcs12('early.p12', early)).at(-1)).toMatchObject({
      status: 'failed',
      found: 'is not valid before 2026-12-01',
    });
  });

  test('warns of a certificate that is not for signatures', async () => {
    const foreign = certificate(pair, { usage: 'keyEncipherment' });
    expect((await inPkcs12('usage.p12', foreign)).at(-1)).toMatchObject({
      status: 'warning',
      found: 'is for other purposes than digitalSignature, as its key usage says',
    });
  });

  test('warns of a certificate that node:crypto reads and that does not say what it is for', async () => {
    const der = Buffer.from(certificate(pair).replace(/-----.*?-----|\s/g, ''), 'base64');
    // The algorithm of its signature is RSASSA-PSS now, without the parameters of that.
    der[der.indexOf('2a864886f70d01010b', 'hex') + 8] = 0x0a;
    der[der.indexOf('2a864886f70d01010a0500', 'hex') + 9] = 0xc5;
    const text = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
    const path = folder.write('odd.pem', pem(pair.privateKey, 'pkcs8') + text);
    expect((await signing(path)).at(-1)).toMatchObject({
      status: 'warning',
      found: 'has a key usage that cannot be read',
    });
  });

  test('fails with the wrong password, and with none, and shows neither it nor what stands in passwordEnv', async () => {
    const path = folder.write('locked.p12', pkcs12(pair, PASSWORD.PASSWORD, 'mine'));
    const wrong = await signing(path, { passwordEnv: 'PASSWORD' }, { PASSWORD: 'not it' });
    expect(wrong).toMatchObject([{ status: 'failed' }]);
    expect(wrong[0]!.found).toContain('the password does not open the file');
    expect(JSON.stringify(wrong)).not.toContain('not it');
    const missing = await signing(path, { passwordEnv: 'hunter2' });
    expect(missing).toMatchObject([{ status: 'failed' }]);
    expect(JSON.stringify(missing)).not.toContain('hunter2');
  });

  test('fails when it is too short for Mastercard', async () => {
    const short = folder.write('short.pem', pem(rsaKeyPair(1024).privateKey, 'pkcs8'));
    const [finding] = await signing(short);
    expect(finding).toMatchObject({ check: 'signing-key', status: 'failed' });
    expect(finding!.found).toContain('1024 bits');
  });
});

describe('the encryption key', () => {
  const encryption = (path: string, signingKey = pair.privateKey) =>
    checkEncryptionKey('demo', { path }, signingKey, NOW);

  test('of a certificate is shown with its kid, and the certificate with its end', async () => {
    const path = folder.write('mastercard.pem', certificate(other, { usage: 'keyEncipherment' }));
    expect(await encryption(path)).toMatchObject([
      { status: 'ok', found: `RSA 2048, kid and fingerprint ${keyFingerprint(other.publicKey)}` },
      { check: 'encryption-certificate', status: 'ok', found: 'valid until 2049-01-01' },
    ]);
  });

  test('fails when its certificate has expired, and is warned of when that is not for encryption', async () => {
    const expired = folder.write('old.pem', certificate(other, { to: new Date('2026-11-01') }));
    expect((await encryption(expired)).at(-1)).toMatchObject({
      check: 'encryption-certificate',
      status: 'failed',
      found: 'expired on 2026-11-01',
    });
    const signs = folder.write('signs.pem', certificate(other, { usage: 'digitalSignature' }));
    expect((await encryption(signs)).at(-1)).toMatchObject({ status: 'warning' });
  });

  test("fails when it is the issuer's own", async () => {
    const path = folder.write('own.pem', pem(pair.publicKey, 'spki'));
    expect(await encryption(path)).toMatchObject([
      { status: 'failed', found: expect.stringContaining('belongs to signingKey') as string },
    ]);
  });

  test('is warned of when its kid is the fingerprint of another one', async () => {
    const path = folder.write('renewed.pem', certificate(other));
    const kid = keyFingerprint(pair.publicKey);
    expect(await checkEncryptionKey('demo', { path, kid }, pair.privateKey, NOW)).toMatchObject([
      { status: 'warning', found: expect.stringContaining('the fingerprint of another key') as string },
      { check: 'encryption-certificate', status: 'ok' },
    ]);
  });

  test('fails when it is a JWK for signatures', async () => {
    const jwk = { ...other.publicKey.export({ format: 'jwk' }), use: 'sig' };
    expect(await encryption(folder.write('sig.jwk', JSON.stringify(jwk)))).toMatchObject([
      { status: 'failed', found: expect.stringContaining('not for encryption') as string },
    ]);
  });

  describe('from a JWKS', () => {
    let server: Server;
    let jwksUrl: string;
    beforeAll(async () => {
      const jwk = { ...other.publicKey.export({ format: 'jwk' }), use: 'enc', kid: 'enc-1' };
      server = createServer((_request, response) => response.end(JSON.stringify({ keys: [jwk] })));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    });
    afterAll(() => server.close());

    test('is found by its kid, and where the kid is not there, those that are there are named', async () => {
      const named = await checkEncryptionKey('demo', { jwksUrl, kid: 'enc-1' }, pair.privateKey, NOW);
      expect(named).toMatchObject([{ status: 'ok', found: expect.stringContaining('kid enc-1') as string }]);
      const unknown = await checkEncryptionKey('demo', { jwksUrl, kid: 'enc-2' }, pair.privateKey, NOW);
      expect(unknown).toMatchObject([{ status: 'failed' }]);
      expect(unknown[0]!.found).toMatch(/kid 'enc-2'.*it has: 'enc-1'/);
    });

    test('that cannot be fetched fails, with its address', async () => {
      const gone = 'http://127.0.0.1:9/keys';
      const found = await checkEncryptionKey('demo', { jwksUrl: gone }, pair.privateKey, NOW);
      expect(found).toMatchObject([{ status: 'failed', found: expect.stringContaining(gone) as string }]);
    });
  });
});
