import ms from 'ms';
import { format, resolveConfig } from 'prettier';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { configSchema, sweepSchema } from '../../config/schema.js';
import { describeCommands, WRITTEN_BELOW } from '../../dev/cli-page.js';
import { resolvePolicy } from '../../enrollment/policy.js';
import { MINIMAL_CODEC_SERVER, MINIMAL_CONFIG } from '../config/minimal.js';
import { page, read } from './pages.js';

test('docs/cli.md says of every command and option what the command says (npm run docs)', async () => {
  const options = { ...(await resolveConfig('docs/cli.md')), parser: 'markdown' };
  const [, written] = read('docs/cli.md').split(WRITTEN_BELOW);
  expect(written!.trim()).toBe((await format(describeCommands(), options)).trim());
});

describe('docs/configuration.md', () => {
  /** The default that the page gives, by field; `undefined` where it gives none. */
  const documented = new Map<string, string | undefined>();
  for (const { heading, head, rows } of page('docs/configuration.md').tables) {
    if (head[0] !== 'field') continue;
    const prefix = /programs\.<name>\S*/.exec(heading)?.[0];
    for (const [field, value] of rows)
      documented.set([prefix, code(field!)].filter(Boolean).join('.'), code(value!));
  }

  test('has every field of the schema, and none that the schema does not have', () => {
    const inJson = (schema: z.ZodType) =>
      z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema;
    const sections = ['programs.<name>.policy', 'sweep'];
    const fields = [...fieldsOf(inJson(configSchema('/'))), ...fieldsOf(inJson(sweepSchema), 'sweep')].filter(
      (field) => !sections.includes(field),
    );
    const described = [...documented.keys()].filter((field) => !sections.includes(field));
    expect(fields.length).toBeGreaterThan(50);
    expect(described.sort()).toEqual([...new Set(fields)].sort());
  });

  test('gives the defaults of the schema', () => {
    const { programs, ...rest } = configSchema('/').parse(MINIMAL_CONFIG);
    const { policy, ...program } = programs.demo!;
    const codecServer = configSchema('/').parse({
      ...MINIMAL_CONFIG,
      codecServer: MINIMAL_CODEC_SERVER,
    }).codecServer;
    const { bulk, metrics } = configSchema('/').parse({ ...MINIMAL_CONFIG, bulk: {}, metrics: { port: 1 } });
    const values = new Map(
      Object.entries({
        'programs.<name>': { ...program, api: program.api.name },
        'programs.<name>.policy': resolvePolicy(policy),
        ...rest,
        codecServer,
        bulk,
        metrics,
      }).flatMap(([path, value]) => [...leaves(value, path)]),
    );
    const defaults = [...documented].filter(([, value]) => value !== undefined);
    expect(defaults.length).toBeGreaterThan(25);
    for (const [field, value] of defaults)
      expect([field, JSON.stringify(values.get(field))]).toEqual([field, asJson(value!, values.get(field))]);
  });
});

interface Schema {
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
  oneOf?: Schema[];
}

/** The paths of all fields of a JSON Schema that hold no further ones. */
function* fieldsOf({ properties, additionalProperties, anyOf, oneOf }: Schema, path = ''): Generator<string> {
  const under = (name: string) => (path === '' ? name : `${path}.${name}`);
  const inner: [string, Schema][] = Object.entries(properties ?? {}).map(([name, of]) => [under(name), of]);
  if (typeof additionalProperties === 'object') inner.push([under('<name>'), additionalProperties]);
  for (const alternative of [...(anyOf ?? []), ...(oneOf ?? [])]) inner.push([path, alternative]);
  if (inner.length === 0) yield path;
  for (const [where, of] of inner) yield* fieldsOf(of, where);
}

function* leaves(value: unknown, path: string): Generator<[string, unknown]> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) yield [path, value];
  else for (const [name, inner] of Object.entries(value)) yield* leaves(inner, `${path}.${name}`);
}

/** The code in a cell. */
function code(cell: string): string | undefined {
  return /^`(.*)`$/.exec(cell)?.[1];
}

/** What a default on the page is in JSON, where the value itself is `like`. */
function asJson(written: string, like: unknown): string {
  if (typeof like === 'number' && /[a-z]$/.test(written)) return String(ms(written as ms.StringValue));
  return typeof like === 'string' ? JSON.stringify(written) : JSON.stringify(JSON.parse(written));
}
