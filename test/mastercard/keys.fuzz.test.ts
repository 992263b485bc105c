import assert from 'node:assert/strict';
import fc from 'fast-check';
import { afterAll } from 'vitest';
import {
  certificateProblem,
  KeyError,
  loadEncryptionKey,
  loadSigningIdentity,
} from '../../mastercard/keys.js';
import { damaged, noise } from '../support/fuzz/bytes.js';
import { fuzz } from '../support/fuzz/fuzz.js';
import { estranged } from '../support/fuzz/json.js';
import { expectNoSecret, shownBy } from '../support/fuzz/secrets.js';
import { certificate, KeyFolder, pem, rsaKeyPair } from './key-files.js';

const files = new KeyFolder();
afterAll(() => files.remove());

const own = rsaKeyPair();
const privateKeys = [pem(own.privateKey, 'pkcs8'), pem(own.privateKey, 'pkcs1')];
const certificates = [certificate(own), certificate(rsaKeyPair())];
const bytesOf = (texts: fc.Arbitrary<string>) => texts.map((text) => Buffer.from(text));

/** Twelve bytes of the key in base64 are not there by chance. */
const PARTS = privateKeys
  .flatMap((text) => text.split('\n').filter((line) => line.length > 60))
  .map((line) => line.slice(20, 36));

const signing = fc.oneof(
  {
    weight: 8,
    arbitrary: damaged(
      bytesOf(
        fc.constantFrom(
          ...privateKeys,
          privateKeys.join(''),
          certificates[1] + privateKeys[0]! + certificates[0]!,
        ),
      ),
    ),
  },
  { weight: 1, arbitrary: noise.map((bytes) => Buffer.concat([Buffer.from('-----BEGIN '), bytes])) },
);

fuzz('a signing key in PEM is an RSA key, or refused without being repeated', signing, async (file) => {
  try {
    const { key } = await loadSigningIdentity({ path: files.write('signing.pem', file) });
    assert.equal(`${key.type} ${key.asymmetricKeyType}`, 'private rsa');
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    expectNoSecret(shownBy(error), PARTS);
  }
});

const jwk = { ...own.publicKey.export({ format: 'jwk' }), use: 'enc', kid: 'mine' };
const encryption = fc.oneof(
  { weight: 6, arbitrary: bytesOf(estranged(fc.constantFrom<unknown>(jwk, { keys: [{ kty: 'EC' }, jwk] }))) },
  {
    weight: 4,
    arbitrary: damaged(
      bytesOf(fc.constantFrom(certificates[0]!, pem(own.publicKey, 'spki'), JSON.stringify(jwk))),
    ),
  },
  { weight: 1, arbitrary: noise },
);

fuzz(
  'an encryption key is an RSA key of which its certificate says what is wrong, or refused',
  encryption,
  async (file) => {
    try {
      const { key, kid, certificate } = await loadEncryptionKey({
        path: files.write('mastercard.pem', file),
      });
      if (certificate) certificateProblem(certificate, { usage: 'keyEncipherment', now: new Date() });
      assert.equal(key.asymmetricKeyType, 'rsa');
      assert.equal(typeof kid, 'string');
    } catch (error) {
      if (!(error instanceof KeyError)) throw error;
    }
  },
);

fuzz('a private key in the place of the encryption key is refused or public', signing, async (file) => {
  try {
    const { key } = await loadEncryptionKey({ path: files.write('mastercard.pem', file) }, own.privateKey);
    assert.equal(key.type, 'public');
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    expectNoSecret(shownBy(error), PARTS);
  }
});
