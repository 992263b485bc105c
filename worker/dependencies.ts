import { ApplicationFailure, log } from '@temporalio/activity';
import type { Logger } from 'pino';
import type { ActivityDependencies, ProgramDependencies } from '../activities/index.js';
import type { C2pConfig, ProgramConfig } from '../config/config.js';
import { FailureType } from '../enrollment/errors.js';
import type { EnrollmentGateway } from '../mastercard/gateway.js';
import { createHttpGateway } from '../mastercard/http-gateway.js';
import { loadEncryptionKey, loadSigningIdentity } from '../mastercard/keys.js';
import { openKeyRing } from '../protection/live-key-ring.js';
import { FilesystemStore } from '../store/filesystem-store.js';
import { warnOfCertificates } from './certificates.js';

export interface WorkerDependencies extends ActivityDependencies {
  /** Lets go of the connections to Mastercard. */
  close(): Promise<void>;
}

/**
 * Reads every key that the configuration names and prepares one gateway a program. All of it before
 * anything connects: a worker with a wrong key does not start.
 * @param logger of the worker; is told when the key ring changes or cannot be read any more, and of
 *   certificates that have expired, or soon will.
 * @throws KeyError, KeyRingError.
 */
export async function createDependencies(
  config: C2pConfig,
  logger?: Pick<Logger, 'info' | 'warn'>,
): Promise<WorkerDependencies> {
  const keyRing = await openKeyRing(config.dataKeys, {
    onChange: ({ currentKeyId }) => logger?.info({ currentKeyId }, 'the key ring has changed'),
    onProblem: (err) => logger?.warn({ err }, 'the key ring cannot be read; going on with the one at hand'),
  });
  const gateways: EnrollmentGateway[] = [];
  const programs = new Map<string, ProgramDependencies>();
  for (const [name, program] of Object.entries(config.programs)) {
    const dependencies = await createProgram(name, program, logger);
    gateways.push(dependencies.gateway);
    programs.set(name, dependencies);
  }
  return {
    store: new FilesystemStore({ root: config.store.path, keyRing }),
    keyRing,
    now: () => new Date(),
    program(name) {
      const program = programs.get(name);
      if (program) return program;
      throw ApplicationFailure.create({
        type: FailureType.ConfigurationInvalid,
        message: `this worker's configuration has no program '${name}'`,
        nonRetryable: true,
      });
    },
    async close() {
      await Promise.all(gateways.map((gateway) => gateway.close()));
    },
  };
}

async function createProgram(
  name: string,
  program: ProgramConfig,
  logger: Pick<Logger, 'warn'> | undefined,
): Promise<ProgramDependencies> {
  const signing = await loadSigningIdentity(program.signingKey, process.env);
  const { encryptionKey } = program;
  // A file is read once, now; a JWKS is asked when it is needed, since Mastercard rotates its keys there.
  const fromFile = 'path' in encryptionKey ? await loadEncryptionKey(encryptionKey) : undefined;
  if (logger) warnOfCertificates(name, signing, fromFile, logger);
  return {
    gateway: createHttpGateway({
      baseUrl: program.baseUrl,
      srcClientId: program.srcClientId,
      serviceId: program.serviceId,
      consumerKey: program.consumerKey,
      signingKey: signing.key,
      // The activity's own logger: it adds the workflow, the activity and the attempt.
      onCall: (event) => {
        log.info('call to Mastercard', { program: name, ...event });
      },
    }),
    recipient: async () => fromFile ?? loadEncryptionKey(encryptionKey),
    contentEncryption: program.contentEncryption,
    requestsPerSecond: program.requestsPerSecond,
    maxCardsPerBatch: program.maxCardsPerBatch,
    policy: program.policy,
  };
}
