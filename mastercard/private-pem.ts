import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { conversionHint, convertedBy } from './key-conversion.js';
import { KeyError } from './key-material.js';
import { wrongPassword } from './key-password.js';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const ENCRYPTED = /-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/;

/**
 * The private key of a PEM file, and the certificates in it.
 * @param password undefined where none is configured.
 * @throws KeyError
 */
export function readPrivatePem(
  pem: Buffer,
  path: string,
  password: string | undefined,
): { key: KeyObject; certificates: X509Certificate[] } {
  const text = pem.toString('latin1');
  try {
    return {
      key: createPrivateKey({ key: pem, ...(password === undefined ? {} : { passphrase: password }) }),
      certificates: (text.match(CERTIFICATE) ?? []).map((one) => new X509Certificate(one)),
    };
  } catch (error) {
    const hint = conversionHint(pem, path, 'signingKey');
    if (hint === undefined && ENCRYPTED.test(text))
      throw (error as NodeJS.ErrnoException).code === 'ERR_OSSL_EVP_UNSUPPORTED'
        ? unsupportedCipher(path)
        : wrongPassword(path, password);
    const expected =
      'no PEM private key; signingKey.path must name a PKCS#8 or PKCS#1 PEM, or a PKCS#12 file';
    throw new KeyError('KEY_FORMAT_UNKNOWN', `${path}: ${hint ?? expected}`);
  }
}

/** Those that OpenSSL 3, which node:crypto has in it, left to a provider of its own. */
function unsupportedCipher(path: string): KeyError {
  const convert = (from: string, to: string) =>
    `openssl pkey -provider legacy -provider default -in ${from} -aes256 -out ${to}`;
  return new KeyError(
    'KEY_FORMAT_UNKNOWN',
    `${path}: the key is encrypted with a cipher that is not supported (an old one, such as PBE-MD5-DES or DES-CBC); ` +
      convertedBy(convert, path, `${path}.pem`, 'signingKey'),
  );
}
