import { resolve } from 'node:path';
import ms from 'ms';
import { z } from 'zod';
import { hasLength } from '../enrollment/has-length.js';
import { PROGRAM_PATTERN, looksLikePan } from '../enrollment/identifiers.js';
import { resolvePolicy } from '../enrollment/policy.js';
import { policyProblems } from '../enrollment/policy-rules.js';
import { duration, policySchema } from '../enrollment/policy-schema.js';
import { strictObject } from '../enrollment/schema-problems.js';
import { DEFAULT_SOURCE_RULES } from '../enrollment/source-rules.js';
import { follows } from '../enrollment/record-rules.js';
import { batchEnroll } from '../mastercard/api/batch-enroll.js';
import type { EnrollmentApi } from '../mastercard/api/enrollment-api.js';
import { BUILT_IN } from '../mastercard/api/load.js';
import { isLoopback } from '../protection/loopback.js';
import {
  DEFAULT_GRACE_MS,
  type AccessTokenConfig,
  type C2pConfig,
  type DataKeysConfig,
  type EncryptionKeyConfig,
  type ProgramConfig,
  type TlsConfig,
} from './config.js';

const CONSUMER_KEY_PATTERN = /^[A-Za-z0-9_.~-]+![A-Za-z0-9_.~-]+$/;
const TASK_QUEUE_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
/** Temporal forbids `.` and `:`, which separate the deployment from the build id. */
const DEPLOYMENT_PATTERN = /^[A-Za-z0-9][A-Za-z0-9/_-]{0,99}$/;
const ENVIRONMENT_VARIABLE_PATTERN = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * A caller seals records and then starts their workflow, for which it may have to wait while Temporal is
 * away; and the clocks of the store's disk and of Temporal differ.
 */
const SHORTEST_GRACE = ms('10m');

/** What `sweep` may be unless it is `false`. */
export const sweepSchema = strictObject({
  every: duration({ min: ms('1m') }).default(ms('1h')),
  grace: duration({ min: SHORTEST_GRACE }).default(DEFAULT_GRACE_MS),
});

const notEmpty = { error: 'must not be empty', ...hasLength };
const name = z
  .string()
  .min(1, notEmpty)
  .max(255, { error: 'must be at most 255 characters', ...hasLength });

const url = z.string().transform((text, context) => {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (!parsed) context.addIssue('must be a URL');
  else if (parsed.protocol !== 'https:' && !(parsed.protocol === 'http:' && isLoopback(parsed.hostname)))
    context.addIssue('must start with https:// (http:// only for this machine itself)');
  else if (parsed.username || parsed.password) context.addIssue('must not hold a user name or password');
  else return parsed;
  return z.NEVER;
});

const baseUrl = url.transform((parsed, context) => {
  if (!parsed.search && !parsed.hash) return withoutSlashesAtEnd(parsed.href);
  context.addIssue('must end with the path: no ? and no #');
  return z.NEVER;
});

/** A loop: the search by a pattern begins anew at each slash of a run. */
function withoutSlashesAtEnd(text: string): string {
  let end = text.length;
  while (text[end - 1] === '/') end -= 1;
  return text.slice(0, end);
}

const origin = url.transform((parsed, context) => {
  if (parsed.pathname === '/' && !parsed.search && !parsed.hash) return parsed.origin;
  context.addIssue('must be an origin: scheme, host and port only');
  return z.NEVER;
});

const environmentVariable = z
  .string()
  .regex(ENVIRONMENT_VARIABLE_PATTERN, 'must be the name of an environment variable');

const accessToken = strictObject({
  jwksUrl: url.transform(({ href }) => href).optional(),
  secretEnv: environmentVariable.optional(),
  issuer: name,
  audience: name,
  permissionsClaim: name.optional(),
}).transform(({ jwksUrl, secretEnv, ...claims }, context): AccessTokenConfig => {
  if (jwksUrl !== undefined && secretEnv === undefined) return { key: { jwksUrl }, ...claims };
  if (secretEnv !== undefined && jwksUrl === undefined) return { key: { secretEnv }, ...claims };
  context.addIssue('must have exactly one of jwksUrl and secretEnv');
  return z.NEVER;
});

/** Whether a text may be the name of a program. Program names are readable in many places. */
export function isProgramName(text: string): boolean {
  return PROGRAM_PATTERN.test(text) && !looksLikePan(text);
}

export type LoadedApis = ReadonlyMap<string, EnrollmentApi | string>;

/**
 * What `c2p.config.json` may say; fills in the defaults.
 * @param folder what relative paths are relative to.
 * @param apis the API modules that it names, by absolute path; what is wrong with those that cannot be loaded.
 */
export function configSchema(
  folder: string,
  apis: LoadedApis = new Map(),
): z.ZodType<Omit<C2pConfig, 'path'>> {
  const path = z
    .string()
    .min(1, notEmpty)
    .transform((written) => resolve(folder, written));

  const encryptionKey = strictObject({
    path: path.optional(),
    jwksUrl: url.transform(({ href }) => href).optional(),
    kid: name.optional(),
  }).transform(({ path, jwksUrl, kid }, context): EncryptionKeyConfig => {
    if (path !== undefined && jwksUrl === undefined) return { path, kid };
    if (jwksUrl !== undefined && path === undefined) return { jwksUrl, kid };
    context.addIssue('must have exactly one of path and jwksUrl');
    return z.NEVER;
  });

  const tls = strictObject({
    ca: path.optional(),
    certificate: path.optional(),
    key: path.optional(),
    passwordEnv: environmentVariable.optional(),
  }).transform(({ ca, certificate, key, passwordEnv }, context): TlsConfig => {
    if (certificate !== undefined && key !== undefined)
      return { ca, identity: { certificate, key, passwordEnv } };
    if (certificate === undefined && key === undefined && passwordEnv === undefined && ca !== undefined)
      return { ca };
    context.addIssue('must have ca, or both certificate and key, and passwordEnv only with them');
    return z.NEVER;
  });

  const dataKeys = strictObject({
    path: path.optional(),
    command: z.tuple([path], z.string()).optional(),
    environment: z.array(environmentVariable).optional(),
  }).transform(({ path, command, environment }, context): DataKeysConfig => {
    if (path !== undefined && command === undefined && environment === undefined) return { path };
    if (command !== undefined && path === undefined)
      return { command, ...(environment === undefined ? {} : { environment }) };
    context.addIssue('must have exactly one of path and command, and environment only with command');
    return z.NEVER;
  });

  const codecServer = strictObject({
    host: name.default('127.0.0.1'),
    port: z.int().min(1).max(65_535).default(8234),
    tls: strictObject({ certificate: path, key: path }).optional(),
    origins: z.array(origin).min(1, { error: 'must name at least one origin', ...hasLength }),
    namespaces: z
      .array(name)
      .min(1, { error: 'must name at least one namespace', ...hasLength })
      .default(['default']),
    token: accessToken,
    requestsPerMinute: z.int().min(1).default(6_000),
    trustedProxies: z
      .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'must be an address or a range (CIDR)'))
      .default([]),
  });

  const program = strictObject({
    api: z.string().min(1, notEmpty).default(BUILT_IN),
    baseUrl,
    srcClientId: z.string(),
    serviceId: z.string(),
    consumerKey: z.string().regex(CONSUMER_KEY_PATTERN, 'must be clientId!keyId, as Mastercard shows it'),
    signingKey: strictObject({
      path,
      alias: name.optional(),
      passwordEnv: environmentVariable.optional(),
    }),
    encryptionKey,
    tls: tls.optional(),
    contentEncryption: z.enum(['A128GCM', 'A256GCM']).optional(),
    maxCardsPerBatch: z.int().min(1).optional(),
    requestsPerSecond: z.number().positive().default(10),
    policy: policySchema.default({}).superRefine((overrides, context) => {
      for (const { path: where, message } of policyProblems(resolvePolicy(overrides)))
        context.addIssue({ code: 'custom', path: where.split('.'), message });
    }),
  })
    // Before what makes a program of it, so that every problem is named at once.
    .superRefine((program, context) => {
      const api = apiOf(program.api);
      if (typeof api === 'string') return context.addIssue({ code: 'custom', path: ['api'], message: api });
      for (const field of ['srcClientId', 'serviceId'] as const)
        if (!follows(program[field], api.program[field]))
          context.addIssue({ code: 'custom', path: [field], message: api.program[field].problem });
    })
    .transform(({ api: chosen, ...program }): ProgramConfig => {
      const api = apiOf(chosen) as EnrollmentApi;
      return {
        ...program,
        api,
        ...(chosen === BUILT_IN ? {} : { apiFile: resolve(folder, chosen) }),
        contentEncryption: program.contentEncryption ?? api.enrollmentData.contentEncryption,
        maxCardsPerBatch: program.maxCardsPerBatch ?? api.batch.maxCards,
      };
    });

  /** What is wrong with it, where there is none. */
  function apiOf(chosen: string): EnrollmentApi | string {
    if (chosen === BUILT_IN) return batchEnroll;
    const api = apis.get(resolve(folder, chosen));
    const problem = typeof api === 'string' ? `: ${api}` : '';
    return typeof api === 'object' ? api : `must be ${BUILT_IN}, or a file with an API module${problem}`;
  }

  return strictObject({
    programs: z
      .record(z.string().refine(isProgramName), program, {
        error: ({ code }) =>
          code === 'invalid_key'
            ? 'must be named with at most 63 letters, digits, _ or -, and not like a card number'
            : undefined,
      })
      .refine((programs) => Object.keys(programs).length > 0, 'must name at least one program'),
    store: z.discriminatedUnion(
      'kind',
      [
        strictObject({ kind: z.literal('filesystem'), path }),
        strictObject({ kind: z.literal('postgres'), urlEnv: environmentVariable }),
      ],
      { error: ({ code }) => (code === 'invalid_union' ? 'must be filesystem or postgres' : undefined) },
    ),
    dataKeys,
    codec: z.boolean().default(true),
    codecServer: codecServer.optional(),
    taskQueue: z
      .string()
      .regex(TASK_QUEUE_PATTERN, 'must be at most 100 letters, digits, ., _ or -')
      .default('c2p'),
    bulk: strictObject({
      folder: path.optional(),
      allowPrivateAddresses: z.boolean().default(DEFAULT_SOURCE_RULES.allowPrivateAddresses),
      gzip: strictObject({
        maxRatio: z.number().min(1).default(DEFAULT_SOURCE_RULES.gzip.maxRatio),
        maxBytes: z.int().min(1).default(DEFAULT_SOURCE_RULES.gzip.maxBytes),
      }).prefault({}),
    }).optional(),
    sweep: falseOr(sweepSchema).prefault({}),
    versioning: strictObject({
      deployment: z.string().regex(DEPLOYMENT_PATTERN, 'must be at most 100 letters, digits, /, _ or -'),
    }).optional(),
    metrics: strictObject({
      host: z.union([z.ipv4(), z.ipv6()], 'must be an IP address').default('127.0.0.1'),
      port: z.int().min(1).max(65_535),
    }).optional(),
  }).transform((config, context) => {
    const { dataKeys } = config;
    const passed = 'command' in dataKeys ? (dataKeys.environment ?? []) : [];
    const secret = secretVariables(config);
    for (const [at, variable] of passed.entries())
      if (secret.has(variable))
        context.addIssue({
          code: 'custom',
          path: ['dataKeys', 'environment', at],
          message:
            'must not be the variable of a password, a database or a secret of c2p: the command needs none',
        });
    return config;
  });
}

/** The names of the environment variables that hold secrets of c2p. */
function secretVariables({
  programs,
  store,
  codecServer,
}: Pick<C2pConfig, 'programs' | 'store' | 'codecServer'>): ReadonlySet<string | undefined> {
  return new Set([
    ...Object.values(programs).flatMap(({ signingKey, tls }) => [
      signingKey.passwordEnv,
      tls?.identity?.passwordEnv,
    ]),
    store.kind === 'postgres' ? store.urlEnv : undefined,
    codecServer && 'secretEnv' in codecServer.token.key ? codecServer.token.key.secretEnv : undefined,
  ]);
}

/** `false`, or what the schema takes; of a union, zod would tell a mistake inside as one of the whole. */
function falseOr<Output>(schema: z.ZodType<Output>) {
  return z.unknown().transform((written, context): Output | false => {
    if (written === false) return false;
    const result = schema.safeParse(written);
    if (result.success) return result.data;
    for (const { code, path, message } of result.error.issues)
      context.addIssue({
        code: 'custom',
        path,
        message: code === 'invalid_type' ? 'must be false or an object' : message,
      });
    return z.NEVER;
  });
}
