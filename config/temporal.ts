import { loadClientConfigProfile, loadClientConnectConfig } from '@temporalio/envconfig';

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

/** The file of the key of an mTLS connection to Temporal, if there is one. */
export function temporalKeyFile(): string | undefined {
  try {
    const key = loadClientConfigProfile().tls?.clientKey;
    return key && 'path' in key ? key.path : undefined;
  } catch {
    // The connection reports what is wrong with the profile.
    return undefined;
  }
}
