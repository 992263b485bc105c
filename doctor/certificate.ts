import type { KeyObject, X509Certificate } from 'node:crypto';
import { certificateProblem, dayOf, type CertificatePurpose } from '../mastercard/keys.js';
import { findings, type Finding } from './finding.js';

export const NO_CERTIFICATE = 'no certificate in the file says how long it is valid';

const REMEDIES = {
  'signing-certificate':
    'make a new signing key with Mastercard, and put its file and consumerKey in place on every machine',
  'encryption-certificate':
    'get the valid encryption key from Mastercard, and put it in place on every machine',
  'tls-certificate': 'get a valid one, and put it in place with its key on every machine',
} as const;

/** Whether the certificate of a key fits the key, its purpose and the time. */
export function checkCertificate(
  check: keyof typeof REMEDIES,
  program: string,
  certificate: X509Certificate,
  purpose: CertificatePurpose,
): Finding {
  const { ok, warning, failed } = findings(check, program);
  const wrong = certificateProblem(certificate, purpose);
  if (!wrong) return ok(`valid until ${dayOf(certificate.validTo)}`);
  return (wrong.serious ? failed : warning)(wrong.problem, REMEDIES[check]);
}

/** Kind and size of a key. */
export function describeKey(key: KeyObject): string {
  return `RSA ${key.asymmetricKeyDetails?.modulusLength ?? ''}`;
}
