import { createRequire } from 'node:module';
import { isGrpcServiceError, type WorkflowService } from '@temporalio/client';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import type { WorkerOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { C2pConfig } from '../config/config.js';
import { ConfigError } from '../config/errors.js';

/** The name under which Temporal's own tools (the Worker Controller for Kubernetes) give a worker its build id. */
export const BUILD_ID_VARIABLE = 'TEMPORAL_WORKER_BUILD_ID';
const BUILD_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/;

/** What is needed of a connection to ask who gets new batches. */
export interface DeploymentConnection {
  workflowService: Pick<WorkflowService, 'describeWorkerDeployment'>;
}

/**
 * Which version of its deployment this process is; undefined where the configuration does not turn
 * versioning on. The build id is that of the image, `TEMPORAL_WORKER_BUILD_ID`, else c2p's own version.
 * @throws ConfigError
 */
export function deploymentVersion(
  { path, versioning }: Pick<C2pConfig, 'path' | 'versioning'>,
  env: NodeJS.ProcessEnv = process.env,
): WorkerDeploymentVersion | undefined {
  if (!versioning) return undefined;
  const buildId = env[BUILD_ID_VARIABLE] || packageVersion();
  if (!BUILD_ID_PATTERN.test(buildId)) {
    const message = 'must be at most 128 letters, digits, ., _, + or -, the first a letter or digit';
    throw new ConfigError(path, [{ path: BUILD_ID_VARIABLE, message }]);
  }
  return { deploymentName: versioning.deployment, buildId };
}

/**
 * The same for every worker of the process: a batch is pinned with its calls to Mastercard. Pinning is set
 * here and not with the workflow, since Temporal refuses a workflow that sets it on an unversioned worker.
 */
export function deploymentOptions(
  version: WorkerDeploymentVersion | undefined,
): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (!version) return {};
  return {
    workerDeploymentOptions: { version, useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' },
  };
}

/**
 * Says in the log which part of the new batches this version gets, and the command that changes it: a
 * version that nobody made current looks healthy and does nothing. A worker that may not ask logs that, and works.
 */
export async function logRouting(
  connection: DeploymentConnection,
  namespace: string,
  version: WorkerDeploymentVersion,
  logger: Logger,
): Promise<void> {
  const { deploymentName, buildId } = version;
  const command = `temporal worker deployment set-current-version --namespace ${namespace} --deployment-name ${deploymentName} --build-id ${buildId}`;
  try {
    const share = await shareOfNewBatches(connection, namespace, version);
    if (share > 0) logger.info(version, `this version gets ${share} % of the new batches`);
    else {
      const what = 'this version is not current: it gets no new batches, only those that began on it';
      logger.warn(version, `${what}. To give it the new batches: ${command}`);
    }
  } catch (error) {
    if (!isGrpcServiceError(error)) throw error;
    const what = 'cannot find out whether this version is current, and without that it gets no new batches';
    logger.warn({ ...version, err: error }, `${what}. To make it current: ${command}`);
  }
}

const GRPC_NOT_FOUND = 5;

/** In percent. */
async function shareOfNewBatches(
  { workflowService }: DeploymentConnection,
  namespace: string,
  { deploymentName, buildId }: WorkerDeploymentVersion,
): Promise<number> {
  try {
    const { workerDeploymentInfo } = await workflowService.describeWorkerDeployment({
      namespace,
      deploymentName,
    });
    const routing = workerDeploymentInfo?.routingConfig;
    const ramping = routing?.rampingVersionPercentage ?? 0;
    if (routing?.rampingDeploymentVersion?.buildId === buildId) return ramping;
    return routing?.currentDeploymentVersion?.buildId === buildId ? 100 - ramping : 0;
  } catch (error) {
    // Temporal makes a deployment when its first worker polls.
    if (isGrpcServiceError(error) && Number(error.code) === GRPC_NOT_FOUND) return 0;
    throw error;
  }
}

/** By the package's own name, since this file is at another place in a checkout than in a package. */
function packageVersion(): string {
  return (createRequire(import.meta.url)('c2p/package.json') as { version: string }).version;
}
