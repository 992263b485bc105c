import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';

export type KeyField = 'signingKey' | 'encryptionKey';

interface Format {
  /** As what goes on after `this is`. */
  name: string;
  isIt: (bytes: Buffer, text: string) => boolean;
  /** A command of a POSIX shell. The names of the files come quoted. */
  convert: (from: string, to: string) => string;
  /** What the new file's name ends in. */
  ending: string;
}

const onlyForOwner = (command: string) => `(umask 077; ${command})`;

const ANY_FIELD: readonly Format[] = [
  {
    name: 'UTF-16 text',
    isIt: (bytes) => ['fffe', 'feff'].includes(bytes.toString('hex', 0, 2)),
    convert: (from, to) => onlyForOwner(`iconv -f UTF-16 -t UTF-8 ${from} > ${to}`),
    ending: '.utf8',
  },
  ...[
    { what: 'PKCS#12', begins: /^30(?:82....|81..)020103/, ending: '.p12' },
    { what: 'DER', begins: /^30(?:82....|81..)/, ending: '.der' },
    { what: 'PEM', begins: new RegExp(`^${Buffer.from('-----BEGIN ').toString('hex')}`), ending: '.pem' },
  ].map(({ what, begins, ending }) => ({
    name: `${what} in base64`,
    isIt: (_bytes: Buffer, text: string) => begins.test(beginning(fromBase64(text))),
    convert: (from: string, to: string) => onlyForOwner(`base64 -d ${from} > ${to}`),
    ending,
  })),
  {
    name: 'a PEM whose line breaks are written as \\n',
    isIt: (_bytes, text) => /-----BEGIN [A-Z0-9 ]+-----(?:\\r)?\\n/.test(text),
    convert: (from, to) => onlyForOwner(`awk '{gsub(/(\\\\r)?\\\\n/,"\\n"); print}' ${from} > ${to}`),
    ending: '.pem',
  },
  {
    name: 'a PEM without line breaks',
    isIt: (_bytes, text) => /-----BEGIN [A-Z0-9 ]+-----[ \t]*[A-Za-z0-9+/]/.test(text),
    convert: (from, to) =>
      onlyForOwner(
        `awk '{gsub(/-----BEGIN [A-Z0-9 ]+-----/,"&\\n"); gsub(/-----END/,"\\n&"); print}' ${from} > ${to}`,
      ),
    ending: '.pem',
  },
];

const FORMATS: Record<KeyField, readonly Format[]> = {
  signingKey: [
    ...ANY_FIELD,
    {
      name: 'a Java key store (JKS)',
      isIt: (bytes) => bytes.toString('hex', 0, 4) === 'feedfeed',
      convert: (from, to) =>
        onlyForOwner(
          `keytool -importkeystore -srckeystore ${from} -destkeystore ${to} -deststoretype PKCS12`,
        ),
      ending: '.p12',
    },
    {
      name: 'a private key in DER',
      isIt: (key) => (['pkcs8', 'pkcs1'] as const).some((type) => isPrivateKey(key, type)),
      convert: (from, to) => `openssl pkey -inform DER -in ${from} -out ${to}`,
      ending: '.pem',
    },
    {
      name: 'an encrypted private key in DER',
      isIt: (bytes) => ENCRYPTED_PRIVATE_KEY.test(beginning(bytes)),
      convert: (from, to) => `openssl pkey -inform DER -in ${from} -aes256 -out ${to}`,
      ending: '.pem',
    },
  ],
  encryptionKey: [
    ...ANY_FIELD,
    {
      name: 'a TRUSTED CERTIFICATE of OpenSSL',
      isIt: (_bytes, text) => text.includes('-----BEGIN TRUSTED CERTIFICATE-----'),
      convert: (from, to) => `openssl x509 -in ${from} -out ${to}`,
      ending: '.pem',
    },
    {
      name: 'PKCS#7 in PEM',
      isIt: (_bytes, text) => text.includes('-----BEGIN PKCS7-----'),
      convert: (from, to) => `openssl pkcs7 -print_certs -in ${from} -out ${to}`,
      ending: '.pem',
    },
    {
      name: 'PKCS#7 in DER',
      isIt: (bytes) => /^30(?:82....|81..|80)06092a864886f70d010702/.test(beginning(bytes)),
      convert: (from, to) => `openssl pkcs7 -inform DER -print_certs -in ${from} -out ${to}`,
      ending: '.pem',
    },
    {
      name: 'a certificate in DER',
      isIt: (bytes) => bytes[0] === SEQUENCE && succeeds(() => new X509Certificate(bytes)),
      convert: (from, to) => `openssl x509 -inform DER -in ${from} -out ${to}`,
      ending: '.pem',
    },
    {
      name: 'a public key in DER',
      isIt: (key) => succeeds(() => createPublicKey({ key, format: 'der', type: 'spki' })),
      convert: (from, to) => `openssl pkey -pubin -inform DER -in ${from} -out ${to}`,
      ending: '.pem',
    },
  ],
};

const SEQUENCE = 0x30;
/** PKCS#8 whose cipher is one of PKCS#5 or PKCS#12. */
const ENCRYPTED_PRIVATE_KEY = /^30(?:82....|81..)30(?:82....|81..|..)06..2a864886f70d01(?:05|0c01)/;

/**
 * Says of a file that could not be read that it holds a key in a form that c2p does not read, and which command
 * makes one of it that c2p reads.
 * @returns as what goes on after `<path>: `; undefined where it is nothing that is known. Nothing of the file.
 */
export function conversionHint(bytes: Buffer, path: string, field: KeyField): string | undefined {
  const text = bytes.toString('latin1');
  const format = FORMATS[field].find(({ isIt }) => isIt(bytes, text));
  return (
    format && `this is ${format.name}; ${convertedBy(format.convert, path, path + format.ending, field)}`
  );
}

/** As what goes on after `this is …; `: the command that makes a new file, and what to do with it. */
export function convertedBy(convert: Format['convert'], path: string, to: string, field: KeyField): string {
  return `convert it with: ${convert(quoted(path), quoted(to))} and set ${field}.path to the new file`;
}

/** For a POSIX shell. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", String.raw`'\''`)}'`;
}

function beginning(bytes: Buffer): string {
  return bytes.toString('hex', 0, 32);
}

/** Nothing where it is something else. A certificate or a key has hundreds of bytes; a few words may be base64, too. */
function fromBase64(text: string): Buffer {
  const characters = text.replace(/\s+/g, '');
  const isBase64 = characters.length > 128 && /^[A-Za-z0-9+/]+={0,2}$/.test(characters);
  return Buffer.from(isBase64 ? characters : '', 'base64');
}

function isPrivateKey(key: Buffer, type: 'pkcs1' | 'pkcs8'): boolean {
  return succeeds(() => createPrivateKey({ key, format: 'der', type }));
}

function succeeds(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
