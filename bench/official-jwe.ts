import { createRequire } from 'node:module';

/** The part of Mastercard's library that encrypts; it has no types of its own. */
interface OfficialEncryption {
  encrypt(endpoint: string, header: object, body: object): { body: { enrollmentData: string } };
}

/**
 * Mastercard's own client-encryption library, set up as its documentation says.
 * @param certificatePath of a PEM certificate.
 */
export function createOfficialEncryption(certificatePath: string): (payload: object) => string {
  const { JweEncryption } = createRequire(import.meta.url)('mastercard-client-encryption') as {
    JweEncryption: new (config: object) => OfficialEncryption;
  };
  const library = new JweEncryption({
    mode: 'JWE',
    paths: [{ path: '/.*', toEncrypt: [{ element: '$', obj: '$' }], toDecrypt: [] }],
    encryptedValueFieldName: 'enrollmentData',
    encryptionCertificate: certificatePath,
  });
  // It may change the object that it is given, so it gets one of its own.
  return (payload) => library.encrypt('/cards/batch', {}, { ...payload }).body.enrollmentData;
}
