import { Connection } from '@temporalio/client';
import { loadTemporalConfig } from '../config/temporal.js';
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
  let config: ReturnType<typeof loadTemporalConfig>;
  try {
    config = loadTemporalConfig();
  } catch (error) {
    const todo = 'correct the file that TEMPORAL_CONFIG_FILE names, or its profile TEMPORAL_PROFILE';
    return { finding: failed(messageOf(error), todo) };
  }
  const { address, namespace, connectionOptions } = config;
  try {
    const connection = await Connection.connect(connectionOptions);
    const { serverVersion } = await connection.workflowService.getSystemInfo({});
    const version = serverVersion ? `, version ${serverVersion}` : '';
    return { place: { connection, namespace }, finding: ok(`${address} answers${version}`) };
  } catch (error) {
    const todo =
      'is it running, and are TEMPORAL_ADDRESS, TEMPORAL_API_KEY and the TEMPORAL_TLS_* variables right?';
    return { finding: failed(`${address} cannot be reached: ${reasonOf(error)}`, todo) };
  }
}
