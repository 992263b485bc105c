import { ApplicationFailure, log } from '@temporalio/activity';
import type { Logger } from 'pino';
import type { ActivityDependencies, ProgramDependencies } from '../activities/dependencies.js';
import { graceOf, recordRules, type C2pConfig, type ProgramConfig } from '../config/config.js';
import { FailureType } from '../enrollment/errors.js';
import { Brake } from '../mastercard/brake.js';
import { brakedGateway } from '../mastercard/braked-gateway.js';
import type { EnrollmentGateway } from '../mastercard/gateway.js';
import { createHttpGateway } from '../mastercard/http-gateway.js';
import {
  LiveEncryptionKey,
  loadProgramTls,
  loadSigningIdentity,
  type ProgramTls,
  type SigningIdentity,
} from '../mastercard/keys.js';
import { openKeyRing, type LiveKeyRing } from '../protection/live-key-ring.js';
import { openStore } from '../store/open-store.js';
import type { OpenStore } from '../store/store.js';
import { warnOfEncryptionKey, warnOfSigningKey, warnOfTlsCertificate } from './certificates.js';

/** A program's own key, and Mastercard's. */
export interface ProgramKeys {
  signing: SigningIdentity;
  encryption: LiveEncryptionKey;
  /** What the connections need besides. */
  tls: ProgramTls;
}

export interface WorkerDependencies extends ActivityDependencies {
  keyRing: LiveKeyRing;
  store: OpenStore;
  /** By the name of the program. */
  programKeys: ReadonlyMap<string, ProgramKeys>;
  /** What paces each program's calls in this process, by its name. */
  brakes: ReadonlyMap<string, Brake>;
  /** Lets go of the store and of the connections to Mastercard. */
  close(): Promise<void>;
}

/**
 * Reads every key that the configuration names and prepares one gateway a program. All of it before
 * anything connects: a worker with a wrong key does not start.
 * @param logger of the worker; logs when the key ring or an encryption key changes or cannot be read any
 *   more, of certificates that have expired, or soon will, and when Mastercard has a program slow down.
 * @throws KeyError, KeyRingError, ProxyUrlError, StoreUrlError.
 */
export async function createDependencies(
  config: C2pConfig,
  logger?: Pick<Logger, 'info' | 'warn'>,
): Promise<WorkerDependencies> {
  const keyRing = await openKeyRing(config.dataKeys, {
    onChange: ({ currentKeyId }) => logger?.info({ currentKeyId }, 'the key ring has changed'),
    onProblem: (err) => logger?.warn({ err }, 'the key ring cannot be read; going on with the one at hand'),
  });
  const store = await openStore(config.store, keyRing);
  const gateways: EnrollmentGateway[] = [];
  const programs = new Map<string, ProgramDependencies>();
  const programKeys = new Map<string, ProgramKeys>();
  const brakes = new Map<string, Brake>();
  for (const [name, program] of Object.entries(config.programs)) {
    const keys = await loadKeys(name, program, logger);
    const brake = createBrake(name, program, logger);
    const dependencies = createProgram(name, program, keys, brake);
    gateways.push(dependencies.gateway);
    programs.set(name, dependencies);
    programKeys.set(name, keys);
    brakes.set(name, brake);
  }
  return {
    store,
    keyRing,
    programKeys,
    sourceFolder: config.bulk?.folder,
    sourceRules: config.bulk,
    graceMs: graceOf(config.sweep),
    recordRules: recordRules(config),
    brakes,
    now: () => new Date(),
    program(name) {
      const program = programs.get(name);
      if (program) return program;
      // It can be retried: a worker with an older configuration than its clients' must not end their batches.
      throw ApplicationFailure.create({
        type: FailureType.ConfigurationInvalid,
        message: `this worker's configuration has no program '${name}': add it there and restart the worker`,
      });
    },
    async close() {
      await Promise.all([store, ...gateways].map((opened) => opened.close()));
    },
  };
}

async function loadKeys(
  name: string,
  program: ProgramConfig,
  logger: Pick<Logger, 'info' | 'warn'> | undefined,
): Promise<ProgramKeys> {
  const signing = await loadSigningIdentity(program.signingKey, process.env);
  const tls = await loadProgramTls(program.tls ?? {});
  const encryption = await LiveEncryptionKey.open({ ...program.encryptionKey, tls }, signing.key, {
    onChange: (key) => {
      logger?.info({ program: name, kid: key.kid }, "Mastercard's encryption key has changed");
      if (logger) warnOfEncryptionKey(name, key, logger);
    },
    onProblem: (err) =>
      logger?.warn(
        { program: name, err },
        'encryptionKey cannot be read; batches are encrypted to what was read before, or wait',
      ),
  });
  if (logger) {
    warnOfSigningKey(name, signing, logger);
    warnOfTlsCertificate(name, tls, logger);
    if (encryption.readAt) warnOfEncryptionKey(name, await encryption.latest(), logger);
  }
  return { signing, encryption, tls };
}

function createBrake(
  name: string,
  { requestsPerSecond }: ProgramConfig,
  logger: Pick<Logger, 'info' | 'warn'> | undefined,
): Brake {
  return new Brake({
    requestsPerSecond,
    onSlowed: (slowed) =>
      logger?.warn(
        { program: name, ...slowed },
        'Mastercard has the program slow down; nothing is sent for a while',
      ),
    onRecovered: () =>
      logger?.info({ program: name, requestsPerSecond }, 'the program is back at its requestsPerSecond'),
  });
}

function createProgram(
  name: string,
  program: ProgramConfig,
  { signing, encryption, tls }: ProgramKeys,
  brake: Brake,
): ProgramDependencies {
  const gateway = createHttpGateway({
    api: program.api,
    baseUrl: program.baseUrl,
    srcClientId: program.srcClientId,
    serviceId: program.serviceId,
    consumerKey: program.consumerKey,
    signingKey: signing.key,
    tls,
    // The activity's own logger: it adds the workflow, the activity and the attempt.
    onCall: (event) => {
      log.info('call to Mastercard', { program: name, ...event });
    },
  });
  return {
    api: program.api,
    gateway: brakedGateway(gateway, brake),
    recipient: (otherThan) => encryption.latest(otherThan),
    contentEncryption: program.contentEncryption,
    maxCardsPerBatch: program.maxCardsPerBatch,
    policy: program.policy,
  };
}
