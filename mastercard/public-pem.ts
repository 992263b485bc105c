import { createPublicKey, X509Certificate, type KeyObject } from 'node:crypto';
import { leavesOf } from './certificate-chain.js';
import { keyFingerprint } from './certificates.js';
import { noPublicKey, notPublic } from './encryption-key-errors.js';
import { KeyError } from './key-material.js';

export interface PublicPem {
  key: KeyObject;
  /** Where the key is a certificate's. */
  certificate?: X509Certificate;
}

const BLOCK = /-----BEGIN (CERTIFICATE|(?:RSA )?PUBLIC KEY)-----[^-]+-----END \1-----/g;

/**
 * The one key of a PEM file that data can be encrypted to: of a certificate that is no CA's, or a public key.
 * @throws KeyError, also where the file holds several such keys: which one is Mastercard's would be a guess.
 */
export function readPublicPem(pem: string, path: string): PublicPem {
  // node:crypto would silently derive the public key, and a private key has no business here.
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) throw notPublic(path);
  const blocks = [...pem.matchAll(BLOCK)];
  const textsOf = (isWanted: (label: string) => boolean) =>
    blocks.flatMap(([text, label]) => (isWanted(label!) ? [text] : []));
  const certificates = textsOf((label) => label === 'CERTIFICATE');
  const publicKeys = textsOf((label) => label !== 'CERTIFICATE');
  let found: PublicPem[];
  try {
    const leaves = leavesOf(certificates.map((text) => new X509Certificate(text)));
    found = [
      ...leaves.map((certificate) => ({ key: certificate.publicKey, certificate })),
      ...publicKeys.map((text) => ({ key: createPublicKey(text) })),
    ];
  } catch {
    throw noPublicKey(path);
  }
  const [first] = found;
  if (first === undefined) throw certificates.length > 0 ? onlyOfCas(path) : noPublicKey(path);
  const fingerprints = new Set(found.map(({ key }) => keyFingerprint(key)));
  if (fingerprints.size > 1) throw ambiguous(path);
  return first;
}

function onlyOfCas(path: string): KeyError {
  return new KeyError(
    'KEY_UNSUITABLE',
    `${path}: the file has certificates of a CA only, and a CA reads nothing that is encrypted to it; set ` +
      "encryptionKey.path to Mastercard's certificate for encryption",
  );
}

function ambiguous(path: string): KeyError {
  return new KeyError(
    'KEY_UNSUITABLE',
    `${path}: the file has several keys, and does not say which one is Mastercard's for encryption; set ` +
      'encryptionKey.path to a file with that one only',
  );
}
