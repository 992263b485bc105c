import { KeyError } from './key-material.js';

/** @param hint what the file is instead, and what to do with it, where that is known. */
export function noPublicKey(origin: string, hint?: string): KeyError {
  const expected =
    'no public key; encryptionKey must be a PEM certificate, a PEM public key, a JWK or a JWK set';
  return new KeyError('KEY_FORMAT_UNKNOWN', `${origin}: ${hint ?? expected}`);
}

export function notPublic(origin: string): KeyError {
  return new KeyError(
    'KEY_UNSUITABLE',
    `${origin}: this is a private key; encryptionKey must be Mastercard's public key`,
  );
}
