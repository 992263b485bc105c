import { describe, vi } from 'vitest';
import { ConfigError } from '../../config/errors.js';
import { parseConfig } from '../../config/load.js';
import { linear, many, refusalOf, repeated, unknownFields } from '../support/growth.js';
import { MINIMAL_CODEC_SERVER, MINIMAL_CONFIG, MINIMAL_PROGRAM } from './minimal.js';

const FILE = '/etc/c2p/c2p.config.json';

vi.mock('../../config/schema.js', async (original) => (await import('./one-schema.js')).oneSchema(original));

const config = (changes: object) => JSON.stringify({ ...MINIMAL_CONFIG, ...changes });
const program = (changes: object) => config({ programs: { demo: { ...MINIMAL_PROGRAM, ...changes } } });
const named = (count: number, name: (n: number) => string, value: unknown) =>
  Object.fromEntries(many(count, (n) => [name(n), value]));

const accepted = (text: string) => parseConfig(text, FILE);
const refused = async (text: string) => {
  const error = await refusalOf(() => parseConfig(text, FILE));
  if (!(error instanceof ConfigError)) throw error;
};

describe('finding the mistake in a configuration takes time in proportion to', () => {
  linear('brackets that are never closed', (size) => repeated('[', size), refused, 400);
  linear('brackets that were never opened', (size) => repeated(']', size), refused, 2_000);
  linear('lists side by side that are never closed', (size) => `[${repeated('[1],', size)}`, refused, 1_000);
  linear('commas', (size) => `[${repeated(',', size)}`, refused, 1_000);
  linear('colons', (size) => `{${repeated(':', size)}`, refused, 1_000);
  linear('quotes', (size) => `[${repeated('"', size)}`, refused, 1_000);
  linear('a quote that is never closed', (size) => `"${repeated('x', size)}`, refused, 50_000);
  linear('backslashes', (size) => `"${repeated('\\x', size)}`, refused, 10_000);
  linear('line breaks', (size) => `${repeated('\n', size)}x`, refused, 10_000);
  linear('white space', (size) => `${repeated(' \t', size)}x`, refused, 50_000);
  linear('lines before the mistake', (size) => `[${repeated('1,\n', size)}x`, refused, 5_000);
  linear('comments', (size) => repeated('// x\n', size), refused, 5_000);
  linear('a comment that is never closed', (size) => `/*${repeated('*', size)}`, refused, 50_000);
  linear('words that are no JSON', (size) => repeated('x ', size), refused, 2_000);
  linear('names without values', (size) => `{${repeated('"a" ', size)}`, refused, 2_000);
  linear('digits', (size) => `${repeated('1', size)}x`, refused, 50_000);
  linear('emoji', (size) => repeated('👩‍👩‍👧‍👦', size), refused, 10_000);
});

describe('checking a configuration takes time in proportion to', () => {
  linear(
    'programs',
    (count) => config({ programs: named(count, (n) => `p${n}`, MINIMAL_PROGRAM) }),
    accepted,
    20,
  );
  linear(
    'programs that are wrong',
    (count) => config({ programs: named(count, (n) => `p${n}`, {}) }),
    refused,
    30,
  );
  linear(
    'programs with names that may not be shown',
    (count) => config({ programs: named(count, (n) => `4 ${n}`, {}) }),
    refused,
    200,
  );
  linear('fields that nobody knows', (count) => config(unknownFields(count)), refused, 3_000);
  linear('fields of a program that nobody knows', (count) => program(unknownFields(count)), refused, 3_000);
  linear(
    'parts of the path of a URL',
    (size) => program({ baseUrl: `https://h${repeated('/a', size)}` }),
    accepted,
    10_000,
  );
  linear(
    'slashes at the end of a URL',
    (size) => program({ baseUrl: `https://h${repeated('/', size)}` }),
    accepted,
    3_000,
  );
  linear(
    'slashes amid a URL',
    (size) => program({ baseUrl: `https://h${repeated('/', size)}x` }),
    accepted,
    1_000,
  );
  linear('a long consumer key', (size) => program({ consumerKey: repeated('x', size) }), refused, 50_000);
  linear(
    'marks of a consumer key',
    (size) => program({ consumerKey: repeated('x!', size) }),
    refused,
    50_000,
  );
  linear('a long service id', (size) => program({ serviceId: repeated('#', size) }), refused, 200_000);
  linear(
    'a long name of a variable',
    (size) => program({ signingKey: { path: 'k', passwordEnv: `${repeated('A', size)}-` } }),
    refused,
    50_000,
  );
  linear('a long path', (size) => config({ dataKeys: { path: repeated('a/../', size) } }), accepted, 10_000);
  linear(
    'words of a command',
    (count) => config({ dataKeys: { command: many(count, () => 'x') } }),
    accepted,
    500,
  );
  linear('a long duration', (size) => config({ sweep: { every: repeated('1', size) } }), refused, 200_000);
  linear(
    'origins',
    (count) =>
      config({ codecServer: { ...MINIMAL_CODEC_SERVER, origins: many(count, () => 'https://a.example') } }),
    accepted,
    50,
  );
  linear(
    'origins that are none',
    (count) => config({ codecServer: { ...MINIMAL_CODEC_SERVER, origins: many(count, () => 'x') } }),
    refused,
    50,
  );
  linear(
    'addresses of proxies that are none',
    (count) =>
      config({ codecServer: { ...MINIMAL_CODEC_SERVER, trustedProxies: many(count, () => '1:2:3') } }),
    refused,
    20,
  );
  for (const unit of ['1.', ':', '/'])
    linear(
      `an address of many '${unit}'`,
      (size) => config({ codecServer: { ...MINIMAL_CODEC_SERVER, trustedProxies: [repeated(unit, size)] } }),
      refused,
      20_000,
    );
  linear(
    'lists in one another',
    (levels) => config({ store: 0 }).replace('0', '['.repeat(levels) + ']'.repeat(levels)),
    refused,
    2_000,
  );
});
