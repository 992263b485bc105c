import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse as parseJsonc, printParseErrorCode } from 'jsonc-parser';
import type { ParseError } from 'jsonc-parser';
import type { Problem } from '../enrollment/schema-problems.js';
import { check } from '../enrollment/schema-problems.js';
import { ApiModuleError, BUILT_IN, loadApi } from '../mastercard/api/load.js';
import { readableByOthers, replaceableByOthers } from '../protection/private-file.js';
import { readChosen } from '../protection/regular-file.js';
import type { C2pConfig } from './config.js';
import { ConfigError } from './errors.js';
import { configSchema, isProgramName, type LoadedApis } from './schema.js';
import { temporalKeyFile } from './temporal.js';

/** Of hundreds of programs. */
export const MAX_CONFIG_BYTES = 256 * 1024;

/**
 * Reads and checks the configuration. Opens none of the files it names: see `checkSecrets`.
 * @param path of the file; by default what `C2P_CONFIG` says, else `c2p.config.json` in the working folder.
 * @throws ConfigError with every problem.
 */
export async function loadConfig(path = process.env['C2P_CONFIG'] || 'c2p.config.json'): Promise<C2pConfig> {
  const file = resolve(path);
  const bytes = await readChosen(file, MAX_CONFIG_BYTES).catch((error: NodeJS.ErrnoException) => {
    const message =
      error.code === 'ENOENT'
        ? 'there is no such file; set C2P_CONFIG to the path of your configuration'
        : `the file cannot be read (${error.code ?? 'unknown error'})`;
    throw new ConfigError(file, [{ path: '', message }]);
  });
  const text = textOf(bytes, file);
  return parseConfig(text, file, await loadApis(text, file));
}

/** Without a byte order mark, which some editors write. */
function textOf(bytes: Buffer, file: string): string {
  const mark = bytes.subarray(0, 2).toString('hex');
  if (mark === 'fffe' || mark === 'feff')
    throw new ConfigError(file, [{ path: '', message: 'is UTF-16; save it as UTF-8' }]);
  return new TextDecoder().decode(bytes);
}

/** Loads the API modules that the programs name, each once. */
async function loadApis(text: string, file: string): Promise<LoadedApis> {
  const programs = (parseJson(text, file) as { programs?: unknown } | null)?.programs;
  const named = Object.values(typeof programs === 'object' && programs !== null ? programs : {})
    .map((program: unknown) => (program as { api?: unknown } | null)?.api)
    .filter((api) => typeof api === 'string' && api !== '' && api !== BUILT_IN)
    .map((api) => resolve(dirname(file), api as string));
  const loaded = [...new Set(named)].map(async (path) => {
    const api = await loadApi(path).catch((error: unknown) => {
      if (error instanceof ApiModuleError) return error.problems.join('; ');
      throw error;
    });
    return [path, api] as const;
  });
  return new Map(await Promise.all(loaded));
}

/**
 * Checks the text of a configuration.
 * @param file where it is, absolute: relative paths in it are relative to that file's folder.
 * @param apis the API modules that it may name, by absolute path.
 * @throws ConfigError
 */
export function parseConfig(text: string, file: string, apis: LoadedApis = new Map()): C2pConfig {
  const json = parseJson(text, file);
  const result = check(configSchema(dirname(file), apis), json, shownPaths(json));
  if (!result.ok) throw new ConfigError(file, result.problems);
  return { path: file, ...result.value };
}

/**
 * Checks what a worker needs besides: that the files of keys are there and can be read, those with secrets
 * (also the client key of Temporal's TLS) by their owner alone, and that the named environment variables are set.
 * @throws ConfigError with everything that is missing.
 */
export async function checkSecrets(config: C2pConfig, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const issues: Problem[] = [];
  const checkFile = async (path: string, file: string, check: FileCheck = {}) => {
    const message = await fileProblem(file, check);
    if (message) issues.push({ path, message });
  };

  const { dataKeys, store } = config;
  if ('path' in dataKeys) await checkFile('dataKeys.path', dataKeys.path, SECRET);
  else await checkFile('dataKeys.command.0', dataKeys.command[0], PROGRAM);
  const checkVariable = (path: string, variable: string | undefined) => {
    if (variable !== undefined && env[variable] === undefined) issues.push({ path, message: UNSET });
  };
  for (const [name, { signingKey, encryptionKey, tls }] of Object.entries(config.programs)) {
    const at = `programs.${name}`;
    await checkFile(`${at}.signingKey.path`, signingKey.path, SECRET);
    checkVariable(`${at}.signingKey.passwordEnv`, signingKey.passwordEnv);
    if ('path' in encryptionKey) await checkFile(`${at}.encryptionKey.path`, encryptionKey.path);
    if (tls?.ca !== undefined) await checkFile(`${at}.tls.ca`, tls.ca);
    if (tls?.identity) {
      await checkFile(`${at}.tls.certificate`, tls.identity.certificate);
      await checkFile(`${at}.tls.key`, tls.identity.key, SECRET);
      checkVariable(`${at}.tls.passwordEnv`, tls.identity.passwordEnv);
    }
  }
  if (store.kind === 'postgres' && !env[store.urlEnv]) issues.push({ path: 'store.urlEnv', message: UNSET });
  const temporalKey = temporalKeyFile();
  if (temporalKey !== undefined) await checkFile("the key of Temporal's TLS", temporalKey, SECRET);
  if (issues.length > 0) throw new ConfigError(config.path, issues);
}

/** Without the name: who mistakes the field writes the secret there. */
const UNSET = 'the environment variable that it names is not set';

interface FileCheck {
  /** What this user must be able to do with the file; by default, read it. */
  access?: number;
  /** What is wrong with who else may do what; names the file. */
  others?: (file: string) => Promise<string | undefined>;
}
const SECRET: FileCheck = { others: async (file) => readableByOthers(await stat(file), file) };
const PROGRAM: FileCheck = { access: constants.X_OK, others: (file) => replaceableByOthers(file) };

async function fileProblem(file: string, check: FileCheck): Promise<string | undefined> {
  try {
    await access(file, check.access ?? constants.R_OK);
    return (await stat(file)).isFile() ? await check.others?.(file) : `is not a file: ${file}`;
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return `file does not exist: ${file}`;
    return `file cannot be ${check.access === constants.X_OK ? 'run' : 'read'} (${code}): ${file}`;
  }
}

/** `JSON.parse`'s own message quotes the file, which may hold a secret in the wrong place. */
function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigError(file, [{ path: '', message: `is not JSON${mistake(text)}` }]);
  }
}

function mistake(text: string): string {
  const errors: ParseError[] = [];
  try {
    parseJsonc(text, errors, { disallowComments: true });
  } catch {
    // It calls itself for each bracket that stands in another.
    return ': there are thousands of brackets in one another';
  }
  const [first] = errors;
  if (!first) return '';
  const lines = text.slice(0, first.offset).split('\n');
  const column = (lines.at(-1)?.length ?? 0) + 1;
  return ` at line ${lines.length}, column ${column} (${printParseErrorCode(first.error)})`;
}

/** Programs are the only names that come from the file; one that may not be shown is given by its position. */
function shownPaths(json: unknown): (path: readonly PropertyKey[]) => string {
  const programs = (json as { programs?: object } | null)?.programs ?? {};
  const positions = new Map(Object.keys(programs).map((name, index) => [name, index + 1]));
  return (path) =>
    path
      .map(String)
      .map((part, depth) =>
        depth !== 1 || path[0] !== 'programs' || isProgramName(part) ? part : `#${positions.get(part)}`,
      )
      .join('.');
}
