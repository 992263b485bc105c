import { generateKeyPairSync, type KeyExportOptions, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import forge from 'node-forge';

export interface KeyPair {
  privateKey: KeyObject;
  publicKey: KeyObject;
}

export function rsaKeyPair(modulusLength = 2048): KeyPair {
  return generateKeyPairSync('rsa', { modulusLength });
}

export function pem(key: KeyObject, type: 'pkcs1' | 'pkcs8' | 'spki'): string {
  return key.export({ type, format: 'pem' } as KeyExportOptions<'pem'>).toString();
}

export interface CertificateOptions {
  from?: Date;
  to?: Date;
  /** What its key usage extension allows, where it has one. */
  usage?: 'digitalSignature' | 'keyEncipherment';
  /** The authority that signs it; without one, it signs itself. */
  issuer?: KeyPair;
  /** Names of the server that it is for. */
  hosts?: string[];
}

/** Each has a name of its own: OpenSSL finds an issuer by its name. */
function authorityName({ publicKey }: KeyPair) {
  const { n } = publicKey.export({ format: 'jwk' });
  return [{ name: 'commonName', value: `authority ${n!.slice(0, 20)}` }];
}

/** The certificate of an authority, as PEM. */
export function authority(pair: KeyPair): string {
  const { privateKey, publicKey } = pair;
  const cert = forge.pki.createCertificate();
  cert.publicKey = forge.pki.publicKeyFromPem(pem(publicKey, 'spki'));
  cert.serialNumber = '01';
  cert.validity.notBefore = new Date('2020-01-01');
  cert.validity.notAfter = new Date('2049-01-01');
  cert.setSubject(authorityName(pair));
  cert.setIssuer(authorityName(pair));
  cert.setExtensions([{ name: 'basicConstraints', cA: true }]);
  cert.sign(forgeKey(privateKey), forge.md.sha256.create());
  return forge.pki.certificateToPem(cert);
}

/** A certificate of the key, as PEM. */
export function certificate(
  { privateKey, publicKey }: KeyPair,
  {
    from = new Date('2020-01-01'),
    to = new Date('2049-01-01'),
    usage,
    issuer,
    hosts,
  }: CertificateOptions = {},
): string {
  const cert = forge.pki.createCertificate();
  const name = [{ name: 'commonName', value: 'test' }];
  cert.publicKey = forge.pki.publicKeyFromPem(pem(publicKey, 'spki'));
  cert.serialNumber = '01';
  cert.validity.notBefore = from;
  cert.validity.notAfter = to;
  cert.setSubject(name);
  cert.setIssuer(issuer ? authorityName(issuer) : name);
  cert.setExtensions([
    ...(usage ? [{ name: 'keyUsage', [usage]: true }] : []),
    ...(hosts
      ? [
          {
            name: 'subjectAltName',
            altNames: hosts.map((host) => (isIP(host) ? { type: 7, ip: host } : { type: 2, value: host })),
          },
        ]
      : []),
  ]);
  cert.sign(forgeKey(issuer?.privateKey ?? privateKey), forge.md.sha256.create());
  return forge.pki.certificateToPem(cert);
}

/** A PKCS#12 file like the one that Mastercard hands out. */
export function pkcs12(
  pair: KeyPair,
  password: string,
  alias: string,
  pem = certificate(pair),
  hashes = 2048,
): Buffer {
  const asn1 = forge.pkcs12.toPkcs12Asn1(
    forgeKey(pair.privateKey),
    forge.pki.certificateFromPem(pem),
    password,
    { friendlyName: alias, algorithm: '3des', count: hashes },
  );
  return Buffer.from(forge.asn1.toDer(asn1).getBytes(), 'binary');
}

function forgeKey(key: KeyObject): forge.pki.rsa.PrivateKey {
  return forge.pki.privateKeyFromPem(pem(key, 'pkcs1'));
}

/** A folder of its own for a test file's key files. */
export class KeyFolder {
  readonly path: string;

  constructor(prefix = 'c2p-keys-') {
    this.path = mkdtempSync(join(tmpdir(), prefix));
  }

  /** @returns the path of the file. */
  write(name: string, content: string | Uint8Array): string {
    const path = join(this.path, name);
    // A new file: what overwrites one is written to the disk at once, and fuzzing does so a million times.
    rmSync(path, { force: true });
    writeFileSync(path, content);
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}
