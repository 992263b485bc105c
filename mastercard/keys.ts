/** The keys of a program: the issuer's own, which signs requests, and Mastercard's, which data is encrypted to. */
export { loadEncryptionKey, type EncryptionKeySource } from './encryption-key.js';
export { KeyError, type KeyErrorCode } from './key-material.js';
export { loadSigningKey, type SigningKeySource } from './signing-key.js';
