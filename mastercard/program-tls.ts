import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import type { OutboundTls } from '../protection/outbound.js';
import { KeyError, readKeyFile } from './key-material.js';

/** PEM files. */
export interface ProgramTlsSource {
  ca?: string | undefined;
  identity?: { certificate: string; key: string; passwordEnv?: string | undefined } | undefined;
}

export interface ProgramTls extends OutboundTls {
  /** The client's own certificate, where it shows one. */
  certificate?: X509Certificate;
}

/**
 * Reads what the connections of a program need besides what this system trusts.
 * @throws KeyError
 */
export async function loadProgramTls(
  { ca, identity }: ProgramTlsSource,
  env: NodeJS.ProcessEnv = process.env,
): Promise<ProgramTls> {
  const authorities = ca === undefined ? undefined : await readCertificates(ca);
  if (!identity) return { ca: authorities?.pem };
  const { pem, first: certificate } = await readCertificates(identity.certificate);
  const key = await readPrivateKey(identity.key, identity.passwordEnv, env);
  if (!certificate.checkPrivateKey(key))
    throw new KeyError(
      'KEY_UNSUITABLE',
      `${identity.key}: the key does not belong to the first certificate of ${identity.certificate}; ` +
        "tls.certificate must begin with the client's own certificate",
    );
  return {
    ca: authorities?.pem,
    identity: { certificate: pem, key: key.export({ type: 'pkcs8', format: 'pem' }).toString() },
    certificate,
  };
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Each is looked at: OpenSSL passes over what it cannot read. */
async function readCertificates(path: string): Promise<{ pem: string; first: X509Certificate }> {
  const found = (await readKeyFile(path)).toString('latin1').match(CERTIFICATE) ?? [];
  try {
    const [first] = found.map((pem) => new X509Certificate(pem));
    if (first) return { pem: found.join('\n'), first };
  } catch {
    // Its words are OpenSSL's.
  }
  throw new KeyError('KEY_FORMAT_UNKNOWN', `${path}: must be PEM certificates, each of which can be read`);
}

async function readPrivateKey(
  path: string,
  passwordEnv: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<KeyObject> {
  const pem = await readKeyFile(path);
  const passphrase = passwordEnv === undefined ? undefined : env[passwordEnv];
  try {
    return createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    if (!pem.includes('ENCRYPTED'))
      throw new KeyError('KEY_FORMAT_UNKNOWN', `${path}: must be a private key as PEM`);
    if (passphrase === undefined)
      throw new KeyError(
        'KEY_PASSWORD_MISSING',
        `${path}: the key is encrypted; name a variable with its password in tls.passwordEnv, and set it`,
      );
    throw new KeyError(
      'KEY_PASSWORD_WRONG',
      `${path}: the password does not open the key; check the variable that tls.passwordEnv names`,
    );
  }
}
