import { loadClientConnectConfig } from '@temporalio/envconfig';

export type TemporalConnectConfig = ReturnType<typeof loadClientConnectConfig>;

/**
 * Where Temporal is: the standard `TEMPORAL_*` variables and the profile of `temporal.toml`, with
 * namespace, API key and mTLS. Without any: `localhost:7233`, namespace `default`.
 */
export function loadTemporalConfig(): TemporalConnectConfig & { address: string; namespace: string } {
  const config = loadClientConnectConfig();
  return {
    ...config,
    address: config.connectionOptions.address ?? 'localhost:7233',
    namespace: config.namespace ?? 'default',
  };
}
