import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import forge from 'node-forge';
import { KeyError, readKeyFile, requireRsa } from './key-material.js';

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
    ? readPem(bytes, source.path, password)
    : readPkcs12(bytes, source, password ?? '');
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

interface KeyFile {
  key: KeyObject;
  certificates: X509Certificate[];
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function readPem(pem: Buffer, path: string, password: string | undefined): KeyFile {
  try {
    return {
      key: createPrivateKey({ key: pem, ...(password === undefined ? {} : { passphrase: password }) }),
      certificates: (pem.toString('latin1').match(PEM_CERTIFICATE) ?? []).map(
        (text) => new X509Certificate(text),
      ),
    };
  } catch {
    if (pem.includes('ENCRYPTED')) throw wrongPassword(path);
    throw new KeyError(
      'KEY_FORMAT_UNKNOWN',
      `${path}: no PEM private key; signingKey.path must name a PKCS#8 or PKCS#1 PEM, or a PKCS#12 file`,
    );
  }
}

function readPkcs12(bytes: Buffer, { path, alias }: SigningKeySource, password: string): KeyFile {
  const pfx = openPkcs12(bytes, path, password);
  const found = keyBags(pfx);
  const named = alias === undefined ? found : found.filter((bag) => bag.alias === alias);
  const [chosen] = named;
  if (chosen === undefined || named.length > 1) throw cannotChoose(path, alias, found);
  if (!chosen.key) {
    throw new KeyError('KEY_UNSUITABLE', `${path}: the key is not an RSA key; use the one from Mastercard`);
  }
  try {
    return {
      key: createPrivateKey(forge.pki.privateKeyToPem(chosen.key)),
      certificates: certificatesOf(pfx),
    };
  } catch {
    throw unreadablePkcs12(path);
  }
}

/** Those of RSA keys, which are all that node-forge knows. */
function certificatesOf(pfx: forge.pkcs12.Pkcs12Pfx): X509Certificate[] {
  const { certBag } = forge.pki.oids as Record<'certBag', string>;
  return (pfx.getBags({ bagType: certBag })[certBag] ?? []).flatMap(({ cert }) =>
    cert ? new X509Certificate(forge.pki.certificateToPem(cert)) : [],
  );
}

function openPkcs12(bytes: Buffer, path: string, password: string): forge.pkcs12.Pkcs12Pfx {
  let asn1: forge.asn1.Asn1;
  try {
    asn1 = forge.asn1.fromDer(bytes.toString('binary'));
  } catch {
    throw new KeyError('KEY_FORMAT_UNKNOWN', `${path}: neither PEM nor PKCS#12; is it the right file?`);
  }
  try {
    return forge.pkcs12.pkcs12FromAsn1(asn1, password);
  } catch (error) {
    // node-forge tells a wrong password only by its message.
    if (/password/i.test((error as Error).message)) throw wrongPassword(path);
    throw unreadablePkcs12(path);
  }
}

function unreadablePkcs12(path: string): KeyError {
  return new KeyError('KEY_FORMAT_UNKNOWN', `${path}: not a PKCS#12 file that can be read`);
}

interface KeyBag {
  alias: string | undefined;
  /** Absent when the key is of a kind that node-forge does not know. */
  key: forge.pki.PrivateKey | undefined;
}

function keyBags(pfx: forge.pkcs12.Pkcs12Pfx): KeyBag[] {
  const { pkcs8ShroudedKeyBag, keyBag } = forge.pki.oids as Record<'pkcs8ShroudedKeyBag' | 'keyBag', string>;
  return [pkcs8ShroudedKeyBag, keyBag]
    .flatMap((bagType) => pfx.getBags({ bagType })[bagType] ?? [])
    .map(({ attributes, key }) => ({
      alias: (attributes as { friendlyName?: string[] } | undefined)?.friendlyName?.[0],
      key: key ?? undefined,
    }));
}

function cannotChoose(path: string, alias: string | undefined, found: KeyBag[]): KeyError {
  const aliases = found.map((bag) => (bag.alias === undefined ? 'one without alias' : `'${bag.alias}'`));
  const wanted =
    alias === undefined ? 'signingKey.alias is not set' : `no single key has the alias '${alias}'`;
  return new KeyError(
    'KEY_ALIAS_UNKNOWN',
    `${path}: ${wanted}; keys in the file: ${aliases.join(', ') || 'none'}; set signingKey.alias to one of them`,
  );
}

function wrongPassword(path: string): KeyError {
  return new KeyError(
    'KEY_PASSWORD_WRONG',
    `${path}: the password does not open the file; check the variable that signingKey.passwordEnv names`,
  );
}
