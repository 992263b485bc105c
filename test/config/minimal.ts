/** A program with the fields that it must have, and no others. */
export const MINIMAL_PROGRAM = {
  baseUrl: 'https://sandbox.api.mastercard.com/src/api/digital/payments',
  srcClientId: '5e0d4b84-189d-4c86-822d-590602f62062',
  serviceId: 'SRC',
  consumerKey: 'clientId!keyId',
  signingKey: { path: 'keys/signing.p12' },
  encryptionKey: { path: 'keys/mastercard.pem' },
};

/** A configuration with the fields that it must have, and no others. */
export const MINIMAL_CONFIG = {
  programs: { demo: MINIMAL_PROGRAM },
  store: { kind: 'filesystem', path: 'data' },
  dataKeys: { path: 'keys.json' },
};

/** The fields that `codecServer` must have. */
export const MINIMAL_CODEC_SERVER = {
  origins: ['https://temporal.bank.example'],
  token: { secretEnv: 'SECRET', issuer: 'i', audience: 'a' },
};
