import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import forge from 'node-forge';

const DAY_MS = 24 * 3_600_000;

/** How long before its end a certificate is worth a warning: a new key takes a while to be made, agreed and rolled out. */
const NOTICE_DAYS = 30;

/** What is wrong with a certificate. */
export interface CertificateProblem {
  /** Whether something does not fit now, and not only soon or perhaps. */
  serious: boolean;
  /** As what goes on after `the certificate`. */
  problem: string;
}

export interface CertificatePurpose {
  /** What its key is used for. */
  usage: 'keyEncipherment' | 'digitalSignature';
  /** The private key that it should belong to, where that is known. */
  privateKey?: KeyObject | undefined;
  now: Date;
}

/** The first thing that is wrong with a certificate: another key's, out of its time, for another purpose, soon to end. */
export function certificateProblem(
  certificate: X509Certificate,
  { usage, privateKey, now }: CertificatePurpose,
): CertificateProblem | undefined {
  if (privateKey && !certificate.checkPrivateKey(privateKey))
    return { serious: true, problem: 'belongs to another key than the private key beside it' };
  const days = daysLeft(certificate, now);
  if (days < 0) return { serious: true, problem: `expired on ${dayOf(certificate.validTo)}` };
  if (Date.parse(certificate.validFrom) > now.getTime())
    return { serious: true, problem: `is not valid before ${dayOf(certificate.validFrom)}` };
  const isMeant = isFor(certificate, usage);
  if (isMeant === undefined) return { serious: false, problem: 'has a key usage that cannot be read' };
  if (!isMeant)
    return { serious: false, problem: `is for other purposes than ${usage}, as its key usage says` };
  if (days < NOTICE_DAYS)
    return {
      serious: false,
      problem: `expires on ${dayOf(certificate.validTo)}, in ${Math.floor(days)} days`,
    };
  return undefined;
}

/** A time such as X.509 certificates have, as a day of UTC: `2026-11-24`. */
export function dayOf(time: string): string {
  return new Date(time).toISOString().slice(0, 10);
}

function daysLeft({ validTo }: X509Certificate, now: Date): number {
  return (Date.parse(validTo) - now.getTime()) / DAY_MS;
}

/** A certificate without the extension is for everything. Nothing where it cannot be read. */
function isFor(certificate: X509Certificate, usage: CertificatePurpose['usage']): boolean | undefined {
  const keyUsage = keyUsageOf(certificate);
  return keyUsage && (keyUsage === 'any' || keyUsage[usage] === true);
}

/**
 * The key usage extension (RFC 5280, 4.2.1.3), by the names of its bits; `any` where the certificate has none. Nothing
 * where node-forge cannot read the certificate: it knows fewer than node:crypto, and throws errors of any kind.
 */
export function keyUsageOf(certificate: X509Certificate): Record<string, unknown> | 'any' | undefined {
  try {
    const { extensions } = forge.pki.certificateFromPem(certificate.toString());
    return (extensions as Record<string, unknown>[]).find(({ name }) => name === 'keyUsage') ?? 'any';
  } catch {
    return undefined;
  }
}

/** A process has few keys, and asks at each encryption. */
const fingerprints = new WeakMap<KeyObject, string>();

/**
 * The fingerprint of a public key: lower-case hex SHA-256 of its DER SubjectPublicKeyInfo, as Mastercard's
 * client-encryption libraries make it of a key.
 */
export function keyFingerprint(publicKey: KeyObject): string {
  const known = fingerprints.get(publicKey);
  if (known !== undefined) return known;
  const fingerprint = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
  fingerprints.set(publicKey, fingerprint);
  return fingerprint;
}

/** The fingerprint of a certificate, the other one that Mastercard's libraries know: lower-case hex SHA-256 of its DER. */
export function certificateFingerprint({ fingerprint256 }: X509Certificate): string {
  return fingerprint256.replaceAll(':', '').toLowerCase();
}
