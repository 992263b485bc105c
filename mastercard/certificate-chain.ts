import type { X509Certificate } from 'node:crypto';
import { keyUsageOf } from './certificates.js';

/**
 * Those of a file's certificates that are nobody's CA: of a chain the leaf, in whatever order it is.
 *
 * What basicConstraints call a CA is none of them, and neither is what issued another one. Only where no certificate
 * is left, a self-signed one counts all the same unless its key usage or its name is a CA's: `openssl req -x509` calls
 * whatever it makes a CA.
 */
export function leavesOf(certificates: readonly X509Certificate[]): X509Certificate[] {
  const issuers = new Set(certificates.filter((one) => !isSelfIssued(one)).map(({ issuer }) => issuer));
  const issuedNone = certificates.filter(({ subject }) => !issuers.has(subject));
  const leaves = issuedNone.filter(({ ca }) => !ca);
  return leaves.length > 0
    ? leaves
    : issuedNone.filter((one) => isSelfIssued(one) && !isCaByUsageOrName(one));
}

function isSelfIssued({ subject, issuer }: X509Certificate): boolean {
  return subject === issuer;
}

function isCaByUsageOrName(certificate: X509Certificate): boolean {
  const keyUsage = keyUsageOf(certificate);
  const issues = keyUsage === undefined || (keyUsage !== 'any' && keyUsage.keyCertSign === true);
  return issues || /^CN=.*\b(?:CA|Root|Certificat\w* Authority)\b/m.test(certificate.subject);
}
