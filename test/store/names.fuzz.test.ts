import assert from 'node:assert/strict';
import fc from 'fast-check';
import { escapeName, unescapeName } from '../../store/blob-path.js';
import { postgresPlace } from '../../store/postgres-connection.js';
import { StoreUrlError } from '../../store/store-url-error.js';
import { damaged, noise } from '../support/fuzz/bytes.js';
import { fuzz } from '../support/fuzz/fuzz.js';
import { expectNoSecret, SECRET_TEXTS, shownBy } from '../support/fuzz/secrets.js';

const texts = fc
  .oneof(
    damaged(fc.constantFrom('records', 'a/b', '..', 'CON', ...SECRET_TEXTS).map((text) => Buffer.from(text))),
    noise,
  )
  .map((bytes) => bytes.toString());

fuzz('a name becomes one of a file, in the same folder, and is found again', texts, (name) => {
  const file = escapeName(name);
  assert.equal(unescapeName(file), name);
  assert(!/[/\\\0]/.test(file) && file !== '.' && file !== '..');
});

const PASSWORD = 'zyxanthia-secret-9726';
const urls = fc
  .oneof(
    damaged(
      fc
        .constantFrom(
          `postgres://c2p:${PASSWORD}@db.example:5432/c2p?sslmode=verify-full`,
          `postgresql://c2p:${PASSWORD}@db.example/c2p`,
          `postgres://c2p:${PASSWORD}@[::1]:5432/c2p`,
          `postgres://c2p@%2Frun%2Fpostgresql/c2p?password=${PASSWORD}`,
        )
        .map((text) => Buffer.from(text)),
    ),
    noise,
  )
  .map((bytes) => bytes.toString());

fuzz('the URL of a database is taken, or refused, and its password never shown', urls, (url) => {
  try {
    const { shown } = postgresPlace('URL', { URL: url });
    // Damage may have written it a second time, where the database stands.
    if (url.includes(`:${PASSWORD}@`) && url.split('zyx').length === 2) expectNoSecret(shown, [PASSWORD]);
  } catch (error) {
    if (!(error instanceof StoreUrlError)) throw error;
    expectNoSecret(shownBy(error), [PASSWORD]);
  }
});
