import { stat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { replaceableByOthers } from '../../protection/private-file.js';
import { ASSUMPTION_NAMES } from './assumptions.js';
import { batchEnroll } from './batch-enroll.js';
import type { EnrollmentApi } from './enrollment-api.js';

/** The name that stands in a configuration for `batchEnroll`, which is also the default. */
export const BUILT_IN = batchEnroll.name;

/** A file that holds no `EnrollmentApi`, or one that others could exchange. */
export class ApiModuleError extends Error {
  override readonly name = 'ApiModuleError';
  readonly code = 'API_MODULE_INVALID';

  /** @param problems each as what goes on after the file's name. */
  constructor(
    readonly path: string,
    readonly problems: readonly string[],
  ) {
    super(`${path}: ${problems.join('; ')}`);
  }
}

/**
 * Loads the default export of an ES module as the `EnrollmentApi` of a program. Its code is run, with the keys of all
 * programs in reach: so nobody else than root and the user of this process may be able to change it.
 * @param path absolute.
 * @throws ApiModuleError with everything that is wrong, by the member of the API.
 */
export async function loadApi(path: string): Promise<EnrollmentApi> {
  const replaceable = await whyNotRun(path).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT'
      ? 'there is no such file'
      : `it cannot be read (${error.code ?? 'unknown error'})`,
  );
  if (replaceable !== undefined) throw new ApiModuleError(path, [replaceable]);
  const module = await imported(path);
  const { error } = checked(module.default);
  if (error)
    throw new ApiModuleError(
      path,
      error.issues.map(({ path: member, message }) =>
        ['the default export', ...member.map(String)].join('.').concat(` ${message}`),
      ),
    );
  return module.default as EnrollmentApi;
}

async function whyNotRun(path: string): Promise<string | undefined> {
  return (await stat(path)).isFile() ? replaceableByOthers(path) : 'it is not a file';
}

/** So long may a module take that waits for something when it is loaded. */
const LOADING_MS = 10_000;

async function imported(path: string): Promise<{ default?: unknown }> {
  // A module that ends the process must not look like a command that did its work.
  const ended = () => void (process.exitCode ||= 1);
  process.once('exit', ended);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new ApiModuleError(path, [`it is not loaded within ${LOADING_MS / 1_000} s`])),
      LOADING_MS,
    );
  });
  try {
    return await Promise.race([import(pathToFileURL(path).href) as Promise<{ default?: unknown }>, late]);
  } catch (error) {
    if (error instanceof ApiModuleError) throw error;
    // Nothing else of what it threw: it may quote the file.
    throw new ApiModuleError(path, [`it cannot be loaded (${kindOf(error)}); run: node ${path}`]);
  } finally {
    clearTimeout(timer);
    process.off('exit', ended);
  }
}

/** Code or class of what was thrown, whatever it is. */
function kindOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return (
    [code, name].find((one): one is string => typeof one === 'string' && /^[A-Za-z_]{1,40}$/.test(one)) ??
    'it threw'
  );
}

function checked(api: unknown): Pick<ReturnType<typeof Api.safeParse>, 'error'> {
  try {
    return Api.safeParse(api);
  } catch {
    return Api.safeParse(undefined);
  }
}

const a = (what: string) => ({ error: `must be ${what}` });
const text = z.string(a('a text'));
const number = z.int(a('a whole number')).min(1, a('above 0'));
const aFunction = z.custom<unknown>((value) => typeof value === 'function', a('a function'));
const set = z.instanceof(Set, a('a Set'));
const object = <Shape extends z.core.$ZodLooseShape>(shape: Shape) => z.looseObject(shape, a('an object'));
/** One with `g` or `y` remembers where it stopped, and gives every second text another answer. */
const pattern = z
  .instanceof(RegExp, a('a RegExp'))
  .refine(({ flags }) => !/[gy]/.test(flags), a('a RegExp without g and y'));
const rule = object({ pattern, longest: number, problem: text });
const wordsFor = <Meaning extends string>(...meanings: Meaning[]) =>
  z.map(z.string(), z.enum(meanings, a(meanings.join(' or '))), a('a Map'));

/** Checks the members of an `EnrollmentApi`, without calling any. */
const Api = object({
  name: text.regex(/^[\x20-\x7e]{1,60}$/, a('1 to 60 printable characters')),
  program: object({ srcClientId: rule, serviceId: rule }),
  records: object({
    externalId: rule,
    pan: object({ shortest: number, longest: number }),
    longest: object({
      emailAddress: number,
      firstName: number,
      lastName: number,
      address: object({ name: number, line: number, city: number, state: number, zip: number }),
    }),
  }),
  batch: object({ externalBatchId: rule, batchId: rule, roundId: aFunction, maxCards: number }),
  enrollmentData: object({
    plaintext: aFunction,
    contentEncryption: z.enum(['A128GCM', 'A256GCM'], a('A128GCM or A256GCM')),
  }),
  enroll: object({ request: aFunction, acceptedStatus: number, read: aFunction }),
  status: object({
    request: aFunction,
    read: aFunction,
    states: wordsFor('inProgress', 'completed', 'completedWithErrors', 'failed'),
    results: wordsFor('enrolled', 'failed'),
  }),
  removal: object({
    card: aFunction,
    profile: aFunction,
    isDone: aFunction,
    srcId: rule,
    isInUse: aFunction,
  }),
  errors: object({ read: aFunction, reasons: set, throttling: set, passing: set, kindOf: aFunction }),
  headers: object({ flowId: text, flowIdRule: rule, correlationIds: z.array(text, a('a list of texts')) }),
  assumptions: object(
    Object.fromEntries(
      ASSUMPTION_NAMES.map((name) => [
        name,
        object({
          sure: z.enum(['S', 'N', 'P'], a('S, N or P')),
          says: text,
          place: text,
          fields: pattern.optional(),
          reason: text.optional(),
        }),
      ]),
    ),
  ),
});
