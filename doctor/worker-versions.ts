import { findings, type Finding } from './finding.js';
import { codeOf, Grpc } from './grpc.js';
import type { TemporalPlace } from './temporal.js';

/** Which versions of the deployment get the new batches. */
export async function checkWorkerVersions(
  { connection, namespace }: TemporalPlace,
  deploymentName: string,
): Promise<Finding> {
  const { ok, failed } = findings('worker-versions');
  const todo = `temporal worker deployment set-current-version --namespace ${namespace} --deployment-name ${deploymentName} --build-id B`;
  try {
    const { workerDeploymentInfo: info } = await connection.workflowService.describeWorkerDeployment({
      namespace,
      deploymentName,
    });
    const { currentDeploymentVersion, rampingDeploymentVersion, rampingVersionPercentage } =
      info?.routingConfig ?? {};
    const ramping = rampingDeploymentVersion
      ? `; ${rampingVersionPercentage ?? 0} % of the new batches go to ${rampingDeploymentVersion.buildId}`
      : '';
    if (currentDeploymentVersion)
      return ok(`current of '${deploymentName}' is ${currentDeploymentVersion.buildId}${ramping}`);
    const found = `no version of '${deploymentName}' is current, so versioned workers get no new batches`;
    return failed(`${found}${ramping}`, todo);
  } catch (error) {
    if (codeOf(error) !== Grpc.notFound) throw error;
    return failed(
      `no worker has been started in the deployment '${deploymentName}'`,
      `start one, then: ${todo}`,
    );
  }
}
