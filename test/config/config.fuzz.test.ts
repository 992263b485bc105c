import assert from 'node:assert/strict';
import fc from 'fast-check';
import { vi } from 'vitest';
import { ConfigError } from '../../config/errors.js';
import { parseConfig } from '../../config/load.js';
import { damaged, noise } from '../support/fuzz/bytes.js';
import { fuzz } from '../support/fuzz/fuzz.js';
import { estranged } from '../support/fuzz/json.js';
import { expectNoSecret, shownBy } from '../support/fuzz/secrets.js';
import { MINIMAL_PROGRAM } from './minimal.js';

const FILE = '/etc/c2p/c2p.config.json';

vi.mock('../../config/schema.js', async (original) => (await import('./one-schema.js')).oneSchema(original));

const PROGRAM = {
  ...MINIMAL_PROGRAM,
  signingKey: { path: 'keys/signing.p12', alias: 'keyalias', passwordEnv: 'C2P_SIGNING_PASSWORD' },
  encryptionKey: { path: 'keys/mastercard.pem', kid: 'kid' },
};

const CONFIG = {
  programs: {
    demo: {
      ...PROGRAM,
      contentEncryption: 'A128GCM',
      maxCardsPerBatch: 250,
      requestsPerSecond: 10,
      policy: {
        onCancel: 'leave',
        polling: { initial: '30s', maximum: '15m', jitter: 0.1 },
        submission: { coefficient: 2 },
        retryFailedRecords: { maxRounds: 2, delay: '1h' },
      },
    },
    other: { ...PROGRAM, encryptionKey: { jwksUrl: 'https://src.mastercard.com/keys' } },
  },
  store: { kind: 'filesystem', path: 'data' },
  dataKeys: { command: ['bin/keys', '--print'] },
  codec: true,
  taskQueue: 'c2p',
  sweep: { every: '1h', grace: '24h' },
  versioning: { deployment: 'c2p' },
};

const { programs, store, dataKeys } = CONFIG;
const texts = estranged(fc.constantFrom(CONFIG, { programs, store, dataKeys }));

const inputs = fc.oneof(
  { weight: 8, arbitrary: texts },
  { weight: 2, arbitrary: damaged(texts.map((text) => Buffer.from(text))).map((bytes) => bytes.toString()) },
  { weight: 1, arbitrary: noise.map((bytes) => bytes.toString()) },
);

fuzz('a configuration is taken or refused with the places of what is wrong', inputs, (text) => {
  try {
    const config = parseConfig(text, FILE);
    assert(Object.keys(config.programs).length > 0);
    assert.equal(config.store.kind, 'filesystem');
    assert.equal(typeof config.taskQueue, 'string');
  } catch (error) {
    expectNoSecret(shownBy(error));
    if (!(error instanceof ConfigError)) throw error;
    assert.equal(error.code, 'CONFIGURATION_INVALID');
    assert(error.issues.length > 0 && error.issues.every(({ message }) => message !== ''));
  }
  assert(!('polluted' in {}));
});
