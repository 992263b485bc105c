import type { KeyObject } from 'node:crypto';
import { isGrpcServiceError } from '@temporalio/client';
import type { C2pConfig } from '../config/config.js';
import { temporalKeyFile } from '../config/temporal.js';
import type { KeyRing } from '../protection/key-ring.js';
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
  const { config, programs, offline } = examination;
  for (const exposure of tlsExposures()) {
    const [found = '', todo = ''] = exposure.split(': ');
    yield findings('certificates').warning(found, todo);
  }
  const refused = yield* keyFiles(examination);
  const keyRing = yield* dataKeys(config, refused);
  const signingKeys = new Map<string, KeyObject>();
  for (const program of programs) {
    const key = yield* programKeys(program, examination, refused);
    if (key) signingKeys.set(program, key);
  }
  yield* store(examination, keyRing);
  yield* temporal(examination);
  for (const program of programs) {
    const key = signingKeys.get(program);
    const why = offline ? NETWORK_LEFT_ALONE : 'there is no signing key to sign a call with';
    if (offline || !key) yield* skipped(['clock', 'gateway'], why, program);
    else yield* await checkGateway(program, programOf(config, program), key);
  }
}

/** @returns the paths of the files that are not to be used. */
async function* keyFiles({ config, programs }: Examination): AsyncGenerator<Finding, ReadonlySet<string>> {
  const { dataKeys } = config;
  const files: KeyFile[] = [];
  if ('path' in dataKeys) files.push({ field: 'dataKeys.path', path: dataKeys.path, secret: true });
  for (const program of programs) {
    const { signingKey, encryptionKey } = programOf(config, program);
    files.push({ field: 'signingKey.path', path: signingKey.path, secret: true, program });
    if ('path' in encryptionKey)
      files.push({ field: 'encryptionKey.path', path: encryptionKey.path, secret: false, program });
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

/** @returns the signing key. */
async function* programKeys(
  program: string,
  { config, offline, env = process.env }: Examination,
  refused: ReadonlySet<string>,
): AsyncGenerator<Finding, KeyObject | undefined> {
  const now = new Date();
  const { signingKey, encryptionKey } = programOf(config, program);
  let key: KeyObject | undefined;
  if (refused.has(signingKey.path)) yield* skipped(['signing-key'], 'its file is refused', program);
  else {
    const signing = await checkSigningKey(program, signingKey, env, now);
    yield* signing.findings;
    key = signing.key;
  }
  const check = ['encryption-key'] as const;
  if ('jwksUrl' in encryptionKey && offline) yield* skipped(check, NETWORK_LEFT_ALONE, program);
  else if ('path' in encryptionKey && refused.has(encryptionKey.path))
    yield* skipped(check, 'its file is refused', program);
  else yield* await checkEncryptionKey(program, encryptionKey, key, now);
  return key;
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

async function* temporal({ config, programs, offline }: Examination): AsyncGenerator<Finding> {
  const { versioning } = config;
  const inNamespace: readonly CheckName[] = [
    'search-attributes',
    'task-queue',
    'sweep',
    ...(versioning ? (['worker-versions'] as const) : []),
  ];
  if (offline) {
    yield* skipped(['temporal', 'namespace', ...inNamespace], NETWORK_LEFT_ALONE);
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
