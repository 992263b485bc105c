/** The keys of a program: the issuer's own, which signs requests, and Mastercard's, which data is encrypted to. */
export {
  certificateProblem,
  dayOf,
  keyFingerprint,
  type CertificateProblem,
  type CertificatePurpose,
} from './certificates.js';
export { loadEncryptionKey, type EncryptionKeySource, type LoadedEncryptionKey } from './encryption-key.js';
export { LiveEncryptionKey, type EncryptionKeyEvents } from './live-encryption-key.js';
export { loadProgramTls, type ProgramTls, type ProgramTlsSource } from './program-tls.js';
export { KeyError, type KeyErrorCode } from './key-material.js';
export {
  loadSigningIdentity,
  loadSigningKey,
  type SigningIdentity,
  type SigningKeySource,
} from './signing-key.js';
