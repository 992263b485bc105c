import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import forge from 'node-forge';
import { conversionHint, convertedBy } from './key-conversion.js';
import { KeyError } from './key-material.js';
import { wrongPassword } from './key-password.js';

/**
 * The private key of a PKCS#12 file, and the RSA certificates in it.
 * @param alias the key's friendly name; may be left out when the file holds one key.
 * @param password undefined where none is configured.
 * @throws KeyError
 */
export function readPkcs12(
  bytes: Buffer,
  { path, alias }: { path: string; alias?: string | undefined },
  password: string | undefined,
): { key: KeyObject; certificates: X509Certificate[] } {
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
    throw unreadable(path);
  }
}

function openPkcs12(bytes: Buffer, path: string, password: string | undefined): forge.pkcs12.Pkcs12Pfx {
  try {
    return decoded(forge.asn1.fromDer(bytes.toString('binary')), password ?? '');
  } catch (error) {
    // node-forge tells one error from another only by its message.
    const { message, oid } = error as Error & { oid?: unknown };
    if (/(wrong|invalid) password|failed to decrypt/i.test(message)) throw wrongPassword(path, password);
    if (IS_PKCS12.test(bytes.toString('hex', 0, 16))) throw unreadable(path, oid === SECRET_BAG);
    const hint =
      conversionHint(bytes, path, 'signingKey') ?? 'neither PEM nor PKCS#12; is it the right file?';
    throw new KeyError('KEY_FORMAT_UNKNOWN', `${path}: ${hint}`);
  }
}

/** A sequence of any length that begins with the version, which is 3. */
const IS_PKCS12 = /^30(?:80|81..|82....|83.{6}|84.{8}|[0-7].)020103/;
const SECRET_BAG = '1.2.840.113549.1.12.10.1.5';

/**
 * The MAC and PBE of PKCS#12 take the characters of a password, PBES2 takes its bytes in UTF-8 (RFC 8018, section 3;
 * so do OpenSSL and Java). node-forge hands the same string to both, and PBES2 takes each character for a byte. So
 * what does not open, though not because of the MAC, is opened again with the bytes as characters, and without the
 * MAC, which is right or not there.
 */
function decoded(pfx: forge.asn1.Asn1, password: string): forge.pkcs12.Pkcs12Pfx {
  try {
    return forge.pkcs12.pkcs12FromAsn1(pfx, password);
  } catch (error) {
    const bytes = forge.util.encodeUtf8(password);
    if (bytes === password || /\bMAC\b/.test((error as Error).message)) throw error;
    const withoutMac = { ...pfx, value: pfx.value.slice(0, 2) as forge.asn1.Asn1[] };
    try {
      return forge.pkcs12.pkcs12FromAsn1(withoutMac, bytes);
    } catch (again) {
      const passwordIsRight = pfx.value.length > 2;
      throw passwordIsRight ? new Error('PBES2 beside other PBE') : again;
    }
  }
}

/** Those of RSA keys, which are all that node-forge knows. */
function certificatesOf(pfx: forge.pkcs12.Pkcs12Pfx): X509Certificate[] {
  const { certBag } = forge.pki.oids as Record<'certBag', string>;
  return (pfx.getBags({ bagType: certBag })[certBag] ?? []).flatMap(({ cert }) =>
    cert ? new X509Certificate(forge.pki.certificateToPem(cert)) : [],
  );
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
    `${path}: ${wanted}; keys in the file: ${aliases.join(', ') || 'none'}; ${whatToChoose(found)}`,
  );
}

function whatToChoose(found: KeyBag[]): string {
  if (found.some(({ alias }) => alias !== undefined)) return 'set signingKey.alias to one of them';
  if (found.length === 1) return 'leave signingKey.alias out';
  return 'set signingKey.path to a file that holds one key';
}

function unreadable(path: string, hasSecretKey = false): KeyError {
  const why = hasSecretKey
    ? 'this PKCS#12 file also holds a secret key, which c2p does not read'
    : 'this PKCS#12 file is damaged, or holds something that c2p does not read';
  const convert = (from: string, to: string) => `openssl pkcs12 -in ${from} -aes256 -out ${to}`;
  return new KeyError(
    'KEY_FORMAT_UNKNOWN',
    `${path}: ${why}; ${convertedBy(convert, path, `${path}.pem`, 'signingKey')}`,
  );
}
