import { createPublicKey, type KeyObject } from 'node:crypto';
import type { EncryptionKeyConfig } from '../config/config.js';
import { KeyError, keyFingerprint, loadEncryptionKey } from '../mastercard/keys.js';
import { checkCertificate, describeKey, NO_CERTIFICATE } from './certificate.js';
import { findings, type Finding } from './finding.js';

/** Whether the key that data is encrypted to can be had and used, and its certificate. */
export async function checkEncryptionKey(
  program: string,
  source: EncryptionKeyConfig,
  signingKey: KeyObject | undefined,
  now: Date,
): Promise<Finding[]> {
  const { ok, failed } = findings('encryption-key', program);
  try {
    const { key, kid, certificate } = await loadEncryptionKey(source);
    const fingerprint = keyFingerprint(key);
    const names =
      kid === fingerprint ? `kid and fingerprint ${kid}` : `kid ${kid}, fingerprint ${fingerprint}`;
    const found = `${'jwksUrl' in source ? `from ${source.jwksUrl}: ` : ''}${describeKey(key)}, ${names}`;
    if (signingKey && keyFingerprint(createPublicKey(signingKey)) === fingerprint) {
      const own = `${found}: it belongs to signingKey, so Mastercard could not read what is encrypted to it`;
      return [failed(own, "set encryptionKey to Mastercard's own public key")];
    }
    if (!certificate) return [ok('path' in source ? `${found}; ${NO_CERTIFICATE}` : found)];
    const purpose = { usage: 'keyEncipherment', now } as const;
    return [ok(found), checkCertificate('encryption-certificate', program, certificate, purpose)];
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    return [failed(error.message, 'see programs.*.encryptionKey of the configuration')];
  }
}
