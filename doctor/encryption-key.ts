import type { KeyObject } from 'node:crypto';
import { KeyError, keyFingerprint, loadEncryptionKey, type EncryptionKeySource } from '../mastercard/keys.js';
import { checkCertificate, describeKey, NO_CERTIFICATE } from './certificate.js';
import { findings, type Finding } from './finding.js';

/** Whether the key that data is encrypted to can be had and used, and its certificate. */
export async function checkEncryptionKey(
  program: string,
  source: EncryptionKeySource,
  signingKey: KeyObject | undefined,
  now: Date,
): Promise<Finding[]> {
  const { ok, warning, failed } = findings('encryption-key', program);
  try {
    const { key, kid, certificate, kidInDoubt } = await loadEncryptionKey(source, signingKey);
    const fingerprint = keyFingerprint(key);
    const names =
      kid === fingerprint ? `kid and fingerprint ${kid}` : `kid ${kid}, fingerprint ${fingerprint}`;
    const found = `${'jwksUrl' in source ? `from ${source.jwksUrl}: ` : ''}${describeKey(key)}, ${names}`;
    const noEnd = 'path' in source && !certificate ? `; ${NO_CERTIFICATE}` : '';
    const itself = kidInDoubt
      ? warning(`${found}: encryptionKey.kid is the fingerprint of another key`, 'get both from Mastercard')
      : ok(found + noEnd);
    if (!certificate) return [itself];
    const purpose = { usage: 'keyEncipherment', now } as const;
    return [itself, checkCertificate('encryption-certificate', program, certificate, purpose)];
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    return [failed(error.message, 'see programs.*.encryptionKey of the configuration')];
  }
}
