import { Connection } from '@temporalio/client';
import { loadTemporalConfig, type TemporalConfig } from '../config/temporal.js';
import { ProxyUrlError } from '../protection/proxy.js';
import { findings, messageOf, type Finding } from './finding.js';
import { reasonOf } from './grpc.js';

/** A namespace of Temporal, for the checks there. */
export interface TemporalPlace {
  connection: Connection;
  namespace: string;
}

/** Whether Temporal answers. The caller closes the connection. */
export async function checkTemporal(): Promise<{ place?: TemporalPlace; finding: Finding }> {
  const { ok, failed } = findings('temporal');
  let config: TemporalConfig;
  try {
    config = loadTemporalConfig();
  } catch (error) {
    if (error instanceof ProxyUrlError) return { finding: failed(error.problem, error.remedy) };
    const todo = 'correct the file that TEMPORAL_CONFIG_FILE names, or its profile TEMPORAL_PROFILE';
    return { finding: failed(messageOf(error), todo) };
  }
  const { address, namespace, proxy } = config;
  const shown = proxy ? `${address}, by ${proxy.named},` : address;
  try {
    const connection = await Connection.connect(config.client);
    const { serverVersion } = await connection.workflowService.getSystemInfo({});
    const version = serverVersion ? `, version ${serverVersion}` : '';
    return { place: { connection, namespace }, finding: ok(`${shown} answers${version}`) };
  } catch (error) {
    const todo = `is it running, and are TEMPORAL_ADDRESS, ${proxy ? 'NO_PROXY, ' : ''}TEMPORAL_API_KEY and the TEMPORAL_TLS_* variables right?`;
    return { finding: failed(`${shown} cannot be reached: ${reasonOf(error)}`, todo) };
  }
}
