import type { Logger } from 'pino';
import { certificateProblem, type LoadedEncryptionKey, type SigningIdentity } from '../mastercard/keys.js';

/**
 * Says in the log what is wrong with the certificates of a program's keys. A worker starts all the same: a
 * key signs and encrypts whatever its certificate says, and whether it is still accepted is Mastercard's
 * decision.
 * @param encryptionKey where it is in a file; a JWKS has keys only.
 */
export function warnOfCertificates(
  program: string,
  { key, certificate }: SigningIdentity,
  encryptionKey: LoadedEncryptionKey | undefined,
  logger: Pick<Logger, 'warn'>,
): void {
  const now = new Date();
  const signing =
    certificate && certificateProblem(certificate, { usage: 'digitalSignature', privateKey: key, now });
  if (signing) logger.warn({ program }, `the certificate of signingKey ${signing.problem}: ${ADVICE}`);
  const encryption =
    encryptionKey?.certificate &&
    certificateProblem(encryptionKey.certificate, { usage: 'keyEncipherment', now });
  if (encryption)
    logger.warn({ program }, `the certificate of encryptionKey ${encryption.problem}: ${ADVICE}`);
}

const ADVICE = 'get the key that is valid from Mastercard, put it in place and restart the workers';
