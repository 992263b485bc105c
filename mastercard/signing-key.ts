import type { KeyObject, X509Certificate } from 'node:crypto';
import { KeyError, readKeyFile, requireRsa } from './key-material.js';
import { readPkcs12 } from './pkcs12.js';
import { readPrivatePem } from './private-pem.js';

/** Where the signing key is: PEM (PKCS#8 or PKCS#1) or PKCS#12. */
export interface SigningKeySource {
  path: string;
  /** PKCS#12 only: the key's friendly name; may be left out when the file holds one key. */
  alias?: string | undefined;
  /** Name of the environment variable with the password of the PKCS#12 file, or of an encrypted PEM. */
  passwordEnv?: string | undefined;
}

/** The private key that signs requests, and what else its file says. */
export interface SigningIdentity {
  key: KeyObject;
  /**
   * The certificate beside the key, where the file has one: the one that belongs to the key, or else,
   * where none does, the first.
   */
  certificate?: X509Certificate | undefined;
}

/**
 * Loads the private key that signs requests, as `loadSigningIdentity` does.
 * @throws KeyError
 */
export async function loadSigningKey(...source: Parameters<typeof loadSigningIdentity>): Promise<KeyObject> {
  return (await loadSigningIdentity(...source)).key;
}

/**
 * Loads the private key that signs requests, with its certificate. Takes a while (PKCS#12 is opened in JavaScript): once, at start.
 * @param env where `passwordEnv` is looked up.
 * @throws KeyError
 */
export async function loadSigningIdentity(
  source: SigningKeySource,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<SigningIdentity> {
  const password = passwordOf(source, env);
  const bytes = await readKeyFile(source.path);
  const { key, certificates } = bytes.includes('-----BEGIN ')
    ? readPrivatePem(bytes, source.path, password)
    : readPkcs12(bytes, source, password);
  requireRsa(key, source.path);
  return { key, certificate: certificates.find((one) => one.checkPrivateKey(key)) ?? certificates[0] };
}

function passwordOf(
  { path, passwordEnv }: SigningKeySource,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (passwordEnv === undefined) return undefined;
  const password = env[passwordEnv];
  if (password !== undefined) return password;
  // Without the name: who mistakes the field writes the password there.
  throw new KeyError(
    'KEY_PASSWORD_MISSING',
    `${path}: the environment variable that signingKey.passwordEnv names is not set; set it to the file's password`,
  );
}
