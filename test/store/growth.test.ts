import { describe } from 'vitest';
import { escapeName, unescapeName } from '../../store/blob-path.js';
import { postgresPlace } from '../../store/postgres-connection.js';
import { linear, refusalOf, repeated } from '../support/growth.js';

describe('making a name for a file takes time in proportion to', () => {
  for (const [shape, text] of [
    ['letters', 'Aa'],
    ['percent signs', '%'],
    ['dots', '..'],
    ['emoji', '👩‍👩‍👧‍👦'],
    ['combining marks', 'a\u0301'],
  ] as const)
    linear(
      shape,
      (size) => repeated(text, size),
      (name) => unescapeName(escapeName(name)),
      3_000,
    );
});

describe('reading the URL of a database takes time in proportion to', () => {
  const read = (url: string) => postgresPlace('URL', { URL: url });

  linear('a long password', (size) => `postgres://user:${repeated('%20', size)}@host/database`, read, 20_000);
  linear(
    'many @',
    (size) => `postgres://${repeated('@', size)}host/database`,
    (url) => refusalOf(() => read(url)),
    10_000,
  );
  linear('many parameters', (size) => `postgres://host/database?${repeated('a=b&', size)}`, read, 10_000);
  linear('white space', (size) => `postgres://host/data ${repeated(' ', size)}base`, read, 10_000);
  linear(
    'what is no URL',
    (size) => repeated('postgres:/', size),
    (url) => refusalOf(() => read(url)),
    500_000,
  );
});
