import assert from 'node:assert/strict';
import fc from 'fast-check';
import forge from 'node-forge';
import { afterAll } from 'vitest';
import { KeyError, loadSigningIdentity } from '../../mastercard/keys.js';
import { damaged } from '../support/fuzz/bytes.js';
import { fuzz } from '../support/fuzz/fuzz.js';
import { expectNoSecret, shownBy } from '../support/fuzz/secrets.js';
import { certificate, KeyFolder, pkcs12, rsaKeyPair } from './key-files.js';

// Not ASCII: what does not open is then tried in two ways.
const PASSWORD = 'correct hörse battery staple';
const files = new KeyFolder();
afterAll(() => files.remove());

/** A file says how often its password is hashed. To obey a damaged one could take hours. */
const MOST_HASHES = 64;

function limitHashes<Name extends string>(
  owner: Record<Name, (...args: never[]) => unknown>,
  name: Name,
  at: number,
): void {
  const hash = owner[name] as (...args: unknown[]) => unknown;
  owner[name] = (...args: unknown[]) => {
    if (Number(args[at]) > MOST_HASHES) throw new Error('too many hashes');
    return hash(...args);
  };
}
limitHashes(forge.pkcs5, 'pbkdf2', 2);
limitHashes(
  forge.pkcs12 as unknown as Record<'generateKey', (...args: never[]) => unknown>,
  'generateKey',
  3,
);

const pair = rsaKeyPair();
const written = pkcs12(pair, PASSWORD, 'mine', certificate(pair), 1);

fuzz(
  'a signing key in PKCS#12 is the one of the file, or refused',
  damaged(fc.constant(written)),
  async (file) => {
    try {
      const source = { path: files.write('signing.p12', file), alias: 'mine', passwordEnv: 'P' };
      const { key } = await loadSigningIdentity(source, { P: PASSWORD });
      assert(key.equals(pair.privateKey));
    } catch (error) {
      if (!(error instanceof KeyError)) throw error;
      expectNoSecret(shownBy(error), [PASSWORD]);
    }
  },
);
