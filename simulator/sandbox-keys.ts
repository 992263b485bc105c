import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import forge from 'node-forge';

/** The alias of the key in `signing.p12`. */
export const SANDBOX_KEY_ALIAS = 'sandbox';
/** The password of `signing.p12`. No secret: the same key lies beside it as PEM, for local use only. */
export const SANDBOX_KEY_PASSWORD = 'sandbox';

/** Absolute or relative as the folder was given. */
export interface SandboxKeyPaths {
  /** The issuer's: PKCS#8 PEM. */
  signingKey: string;
  /** The issuer's: the same key as PKCS#12, under `SANDBOX_KEY_ALIAS` and `SANDBOX_KEY_PASSWORD`. */
  signingPkcs12: string;
  /** The simulator's: verifies what `signingKey` signs; SPKI PEM. */
  signingPublicKey: string;
  /** The issuer's: encrypts for the simulator; a self-signed X.509 certificate as PEM. */
  encryptionCertificate: string;
  /** The simulator's: opens what was encrypted for it; PKCS#8 PEM. */
  decryptionKey: string;
}

/**
 * Makes the keys that an issuer and the simulator need: RSA-2048, files of mode 0600 in a folder of mode
 * 0700. A file that exists is kept, and what is derived from it follows it.
 *
 * @param folder made if it does not exist
 */
export async function generateSandboxKeys(folder: string): Promise<SandboxKeyPaths> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const paths: SandboxKeyPaths = {
    signingKey: join(folder, 'signing.pem'),
    signingPkcs12: join(folder, 'signing.p12'),
    signingPublicKey: join(folder, 'signing-public.pem'),
    encryptionCertificate: join(folder, 'mastercard.pem'),
    decryptionKey: join(folder, 'mastercard-private.pem'),
  };
  const signingKey = await keep(paths.signingKey, privateKeyPem);
  await keep(paths.signingPkcs12, () => pkcs12(signingKey.toString()));
  await keep(paths.signingPublicKey, () => publicKeyPem(signingKey.toString()));
  const decryptionKey = await keep(paths.decryptionKey, privateKeyPem);
  await keep(paths.encryptionCertificate, () =>
    forge.pki.certificateToPem(selfSigned(decryptionKey.toString(), 'c2p simulator encryption')),
  );
  return paths;
}

/** The file's content; made if it is not there, all at once and only by one of several processes. */
async function keep(path: string, make: () => string | Buffer): Promise<Buffer> {
  const existing = await readFile(path).catch(ignore('ENOENT'));
  if (existing) return existing;
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, make(), { mode: 0o600, flag: 'wx' });
  try {
    await link(draft, path).catch(ignore('EEXIST'));
  } finally {
    await unlink(draft);
  }
  return readFile(path);
}

function ignore(code: string) {
  return (error: NodeJS.ErrnoException): undefined => {
    if (error.code !== code) throw error;
  };
}

function privateKeyPem(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function publicKeyPem(privateKey: string): string {
  return createPublicKey(createPrivateKey(privateKey)).export({ type: 'spki', format: 'pem' }).toString();
}

function pkcs12(privateKey: string): Buffer {
  const asn1 = forge.pkcs12.toPkcs12Asn1(
    forge.pki.privateKeyFromPem(privateKey),
    selfSigned(privateKey, 'c2p sandbox signing'),
    SANDBOX_KEY_PASSWORD,
    { friendlyName: SANDBOX_KEY_ALIAS, algorithm: 'aes256' },
  );
  return Buffer.from(forge.asn1.toDer(asn1).getBytes(), 'binary');
}

function selfSigned(privateKey: string, commonName: string): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKeyPem(privateKey));
  certificate.serialNumber = '01';
  const start = new Date();
  certificate.validity.notBefore = start;
  certificate.validity.notAfter = new Date(start.getFullYear() + 10, 0, 1);
  const name = [{ name: 'commonName', value: commonName }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create());
  return certificate;
}
