import type { Logger } from 'pino';
import {
  certificateProblem,
  type LoadedEncryptionKey,
  type ProgramTls,
  type SigningIdentity,
} from '../mastercard/keys.js';

/**
 * Says in the log what is wrong with the certificate of a program's signing key. A worker starts all the
 * same: a key signs whatever its certificate says, and whether it is still accepted is Mastercard's decision.
 */
export function warnOfSigningKey(
  program: string,
  { key, certificate }: SigningIdentity,
  logger: Pick<Logger, 'warn'>,
): void {
  const purpose = { usage: 'digitalSignature', privateKey: key, now: new Date() } as const;
  const wrong = certificate && certificateProblem(certificate, purpose);
  if (wrong) {
    const advice = `${GET_VALID_ONE} and restart the workers`;
    logger.warn({ program }, `the certificate of signingKey ${wrong.problem}: ${advice}`);
  }
}

/** The same of the key that data is encrypted to, and whether its `kid` fits it. */
export function warnOfEncryptionKey(
  program: string,
  { certificate, kidInDoubt }: LoadedEncryptionKey,
  logger: Pick<Logger, 'warn'>,
): void {
  const wrong = certificate && certificateProblem(certificate, { usage: 'keyEncipherment', now: new Date() });
  if (wrong) {
    logger.warn({ program }, `the certificate of encryptionKey ${wrong.problem}: ${GET_VALID_ONE}`);
  }
  if (kidInDoubt) logger.warn({ program }, KID_IN_DOUBT);
}

/** The same of the certificate that a program shows where mutual TLS is asked for. */
export function warnOfTlsCertificate(
  program: string,
  { certificate }: ProgramTls,
  logger: Pick<Logger, 'warn'>,
): void {
  const wrong =
    certificate && certificateProblem(certificate, { usage: 'digitalSignature', now: new Date() });
  if (wrong) {
    const advice = 'get a valid one, put it in place with its key, and restart the workers';
    logger.warn({ program }, `the certificate of tls ${wrong.problem}: ${advice}`);
  }
}

const GET_VALID_ONE = 'get the key that is valid from Mastercard, put it in place';

const KID_IN_DOUBT =
  'encryptionKey.kid is a fingerprint, and not that of the key in the file: one of the two is out of date; ' +
  'get both from Mastercard';
