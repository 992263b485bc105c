import type { KeyObject } from 'node:crypto';
import { readRegular } from '../protection/regular-file.js';

export type KeyErrorCode =
  | 'KEY_FILE_UNREADABLE'
  | 'KEY_FORMAT_UNKNOWN'
  | 'KEY_PASSWORD_MISSING'
  | 'KEY_PASSWORD_WRONG'
  | 'KEY_ALIAS_UNKNOWN'
  | 'KEY_ID_UNKNOWN'
  | 'KEY_UNSUITABLE'
  | 'KEY_SET_UNAVAILABLE';

/** A key cannot be had or cannot be used. The message says which file or URL, and what to do. */
export class KeyError extends Error {
  override readonly name = 'KeyError';
  constructor(
    readonly code: KeyErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** Many times what a file with a chain of certificates, or a set of keys, has. */
export const MAX_KEY_FILE_BYTES = 256 * 1024;

/** @throws KeyError KEY_FILE_UNREADABLE */
export async function readKeyFile(path: string): Promise<Buffer> {
  try {
    return await readRegular(path, MAX_KEY_FILE_BYTES);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new KeyError('KEY_FILE_UNREADABLE', `${path}: the key file cannot be read (${code})`);
  }
}

const MIN_MODULUS_BITS = 2048;

/**
 * Passes on a key that Mastercard accepts: RSA with a modulus of at least 2048 bits.
 * @param origin the file or URL that it came from.
 * @throws KeyError KEY_UNSUITABLE
 */
export function requireRsa(key: KeyObject, origin: string): KeyObject {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType !== 'rsa') {
    throw new KeyError('KEY_UNSUITABLE', `${origin}: the key is not an RSA key; use the one from Mastercard`);
  }
  if (bits < MIN_MODULUS_BITS) {
    throw new KeyError(
      'KEY_UNSUITABLE',
      `${origin}: the RSA key has ${bits} bits; Mastercard needs at least ${MIN_MODULUS_BITS}`,
    );
  }
  return key;
}
