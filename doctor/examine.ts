import type { KeyObject } from 'node:crypto';
import { isGrpcServiceError } from '@temporalio/client';
import type { C2pConfig } from '../config/config.js';
import { temporalKeyFile } from '../config/temporal.js';
import type { KeyRing } from '../protection/key-ring.js';
import type { ProgramTls } from '../mastercard/keys.js';
import { proxyTo, ProxyUrlError } from '../protection/proxy.js';
import { tlsExposures } from '../protection/tls-exposures.js';
import { openStore } from '../store/open-store.js';
import { StoreUrlError } from '../store/store-url-error.js';
import { checkDataKeys } from './data-keys.js';
import { checkEncryptionKey } from './encryption-key.js';
import { findings, type CheckName, type Finding } from './finding.js';
import { checkFreeSpace } from './free-space.js';
import { checkGateway } from './gateway.js';
import { reasonOf } from './grpc.js';
import { checkKeyFile, checkKeyProgram, type KeyFile } from './key-files.js';
import { checkKeyRing } from './key-ring.js';
import { checkNamespace } from './namespace.js';
import { checkProgramTls } from './program-tls.js';
import { checkSearchAttributes } from './search-attributes.js';
import { checkSigningKey } from './signing-key.js';
import { checkStore } from './store.js';
import { checkStoreKeys } from './store-keys.js';
import { checkSweep } from './sweep.js';
import { checkTaskQueues } from './task-queues.js';
import { checkTemporal } from './temporal.js';
import { checkWorkerVersions } from './worker-versions.js';

export interface Examination {
  config: C2pConfig;
  /** Those of the configuration to look at. */
  programs: readonly string[];
  /** Leaves the network alone. */
  offline: boolean;
  env?: NodeJS.ProcessEnv;
}

const BEHIND_STORE = ['store-keys', 'key-ring-probe'] as const;
const NETWORK_LEFT_ALONE = 'the network is left alone';

/**
 * Looks at everything that c2p needs besides the configuration: first at what is on this machine, last at
 * what is furthest away. What cannot be looked at because something before it failed is `skipped`. Changes
 * nothing, but for a probe in the store that it erases again.
 */
export async function* examine(examination: Examination): AsyncGenerator<Finding> {
  const { config, programs } = examination;
  for (const exposure of tlsExposures()) {
    const [found = '', todo = ''] = exposure.split(': ');
    yield findings('certificates').warning(found, todo);
  }
  const noNetwork = yield* network(examination);
  const refused = yield* keyFiles(examination);
  const keyRing = yield* dataKeys(config, refused);
  const keys = new Map<string, ProgramKeys>();
  for (const program of programs)
    keys.set(program, yield* programKeys(program, examination, refused, noNetwork));
  yield* store(examination, keyRing);
  yield* temporal(examination, noNetwork);
  for (const program of programs) {
    const { signing, tls } = keys.get(program)!;
    const why =
      noNetwork ??
      (signing ? 'the files of tls cannot be used' : 'there is no signing key to sign a call with');
    if (noNetwork !== undefined || !signing || !tls) yield* skipped(['clock', 'gateway'], why, program);
    else yield* await checkGateway(program, programOf(config, program), signing, tls);
  }
}

/** @returns why nothing is to be looked at by way of the network, if that is so. */
function* network({ offline, env }: Examination): Generator<Finding, string | undefined> {
  try {
    proxyTo({ hostname: 'any', port: 443 }, env);
    return offline ? NETWORK_LEFT_ALONE : undefined;
  } catch (error) {
    if (!(error instanceof ProxyUrlError)) throw error;
    yield findings('proxy').failed(error.problem, error.remedy);
    return 'the proxy cannot be used';
  }
}

/** What could be had. */
interface ProgramKeys {
  signing?: KeyObject | undefined;
  tls?: ProgramTls | undefined;
}

/** @returns the paths of the files that are not to be used. */
async function* keyFiles({ config, programs }: Examination): AsyncGenerator<Finding, ReadonlySet<string>> {
  const { dataKeys } = config;
  const files: KeyFile[] = [];
  if ('path' in dataKeys) files.push({ field: 'dataKeys.path', path: dataKeys.path, secret: true });
  for (const program of programs) {
    const { signingKey, encryptionKey, tls } = programOf(config, program);
    const add = (field: string, path: string | undefined, secret: boolean) => {
      if (path !== undefined) files.push({ field, path, secret, program });
    };
    add('signingKey.path', signingKey.path, true);
    if ('path' in encryptionKey) add('encryptionKey.path', encryptionKey.path, false);
    add('tls.ca', tls?.ca, false);
    add('tls.certificate', tls?.identity?.certificate, false);
    add('tls.key', tls?.identity?.key, true);
  }
  const ofTemporal = temporalKeyFile();
  if (ofTemporal !== undefined)
    files.push({ field: 'the TLS client key for Temporal', path: ofTemporal, secret: true });
  const refused = new Set<string>();
  if ('command' in dataKeys) {
    const [program] = dataKeys.command;
    const finding = await checkKeyProgram(program);
    if (finding.status === 'failed') refused.add(program);
    yield finding;
  }
  for (const file of files) {
    const finding = await checkKeyFile(file);
    if (finding.status === 'failed') refused.add(file.path);
    yield finding;
  }
  return refused;
}

async function* dataKeys(
  config: C2pConfig,
  refused: ReadonlySet<string>,
): AsyncGenerator<Finding, KeyRing | undefined> {
  const { dataKeys } = config;
  const [what, path] = 'path' in dataKeys ? ['file', dataKeys.path] : ['program', dataKeys.command[0]];
  if (refused.has(path)) {
    yield* skipped(['data-keys'], `their ${what} is refused`);
    return undefined;
  }
  const { finding, keyRing } = await checkDataKeys(config);
  yield finding;
  return keyRing;
}

async function* programKeys(
  program: string,
  { config, env = process.env }: Examination,
  refused: ReadonlySet<string>,
  noNetwork: string | undefined,
): AsyncGenerator<Finding, ProgramKeys> {
  const now = new Date();
  const { signingKey, encryptionKey, tls: source = {} } = programOf(config, program);
  let key: KeyObject | undefined;
  if (refused.has(signingKey.path)) yield* skipped(['signing-key'], 'its file is refused', program);
  else {
    const signing = await checkSigningKey(program, signingKey, env, now);
    yield* signing.findings;
    key = signing.key;
  }
  const { certificate, key: own } = source.identity ?? {};
  let tls: ProgramTls | undefined;
  if ([source.ca, certificate, own].some((path) => path !== undefined && refused.has(path)))
    yield* skipped(['tls-certificate'], 'a file of tls is refused', program);
  else {
    const found = await checkProgramTls(program, source, env, now);
    yield* found.findings;
    tls = found.tls;
  }
  const check = ['encryption-key'] as const;
  if ('jwksUrl' in encryptionKey && (noNetwork !== undefined || !tls))
    yield* skipped(check, noNetwork ?? 'the files of tls cannot be used', program);
  else if ('path' in encryptionKey && refused.has(encryptionKey.path))
    yield* skipped(check, 'its file is refused', program);
  else yield* await checkEncryptionKey(program, { ...encryptionKey, tls }, key, now);
  return { signing: key, tls };
}

async function* store(
  { config: { store: place }, offline, env }: Examination,
  keyRing: KeyRing | undefined,
): AsyncGenerator<Finding> {
  if (!keyRing || (offline && place.kind === 'postgres')) {
    const why = keyRing ? NETWORK_LEFT_ALONE : 'there is no key ring';
    yield* skipped(['store', 'free-space', ...BEHIND_STORE], why);
    return;
  }
  const store = await openStore(place, keyRing, env).catch((error: unknown) => {
    if (error instanceof StoreUrlError) return error;
    throw error;
  });
  if (store instanceof StoreUrlError) {
    yield findings('store').failed(store.message, 'set it for this process as for the workers');
    yield* skipped(['free-space', ...BEHIND_STORE], 'there is no store');
    return;
  }
  try {
    const finding = await checkStore(store, place);
    yield finding;
    if (place.kind === 'filesystem') yield await checkFreeSpace(place.path);
    else yield* skipped(['free-space'], "the disk is the database server's");
    if (finding.status === 'failed') yield* skipped(BEHIND_STORE, 'the store does not work');
    else {
      yield await checkStoreKeys(store, keyRing);
      yield await checkKeyRing(store, keyRing);
    }
  } finally {
    await store.close();
  }
}

async function* temporal(
  { config, programs }: Examination,
  noNetwork: string | undefined,
): AsyncGenerator<Finding> {
  const { versioning } = config;
  const inNamespace: readonly CheckName[] = [
    'search-attributes',
    'task-queue',
    'sweep',
    ...(versioning ? (['worker-versions'] as const) : []),
  ];
  if (noNetwork !== undefined) {
    yield* skipped(['temporal', 'namespace', ...inNamespace], noNetwork);
    return;
  }
  const { finding, place } = await checkTemporal();
  yield finding;
  if (!place) {
    yield* skipped(['namespace', ...inNamespace], 'Temporal does not answer');
    return;
  }
  try {
    const namespace = await checkNamespace(place);
    yield namespace;
    if (namespace.status === 'failed') {
      yield* skipped(inNamespace, 'there is no namespace to look into');
      return;
    }
    yield await checkSearchAttributes(place);
    yield* await asking('task-queue', () => checkTaskQueues(place, config, programs));
    yield* await asking('sweep', () => checkSweep(place, config));
    if (versioning)
      yield* await asking('worker-versions', () => checkWorkerVersions(place, versioning.deployment));
  } finally {
    await place.connection.close();
  }
}

/** What Temporal does not want to tell is no failure: workers do not need to know it. */
async function asking(check: CheckName, ask: () => Promise<Finding | Finding[]>): Promise<Finding[]> {
  try {
    return [await ask()].flat();
  } catch (error) {
    if (!isGrpcServiceError(error)) throw error;
    const found = `Temporal does not tell: ${reasonOf(error)}`;
    return [findings(check).warning(found, 'may this API key or client certificate ask for it?')];
  }
}

function* skipped(checks: readonly CheckName[], why: string, program?: string): Generator<Finding> {
  for (const check of checks) yield findings(check, program).skipped(why);
}

function programOf({ programs }: C2pConfig, name: string): C2pConfig['programs'][string] {
  const program = programs[name];
  if (!program) throw new Error(`the configuration has no program '${name}'`);
  return program;
}
