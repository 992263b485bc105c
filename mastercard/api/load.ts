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
  const replaceable = await replaceableByOthers(path).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT'
      ? 'there is no such file'
      : `it cannot be read (${error.code ?? 'unknown error'})`,
  );
  if (replaceable !== undefined) throw new ApiModuleError(path, [replaceable]);
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as { default?: unknown };
  } catch (error) {
    const { name, code } = error as NodeJS.ErrnoException;
    // Its message may quote the file.
    throw new ApiModuleError(path, [`it cannot be loaded (${code ?? name}); run: node ${path}`]);
  }
  const { error } = Api.safeParse(module.default);
  if (error)
    throw new ApiModuleError(
      path,
      error.issues.map(({ path: member, message }) =>
        ['the default export', ...member.map(String)].join('.').concat(` ${message}`),
      ),
    );
  return module.default as EnrollmentApi;
}

const a = (what: string) => ({ error: `must be ${what}` });
const text = z.string(a('a text'));
const number = z.int(a('a whole number')).min(1, a('above 0'));
const aFunction = z.custom<unknown>((value) => typeof value === 'function', a('a function'));
const set = z.instanceof(Set, a('a Set'));
const map = z.instanceof(Map, a('a Map'));
const object = <Shape extends z.core.$ZodLooseShape>(shape: Shape) => z.looseObject(shape, a('an object'));
const rule = object({ pattern: z.instanceof(RegExp, a('a RegExp')), longest: number, problem: text });

/** What can be told of an `EnrollmentApi` without calling it. */
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
  status: object({ request: aFunction, read: aFunction, states: map, results: map }),
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
        object({ sure: z.enum(['S', 'N', 'P'], a('S, N or P')), says: text, place: text }),
      ]),
    ),
  ),
});
