import { loadClientConfigProfile, loadClientConnectConfig } from '@temporalio/envconfig';
import { ConfigError } from './errors.js';

export type TemporalConnectConfig = ReturnType<typeof loadClientConnectConfig>;

/**
 * Where Temporal is: the standard `TEMPORAL_*` variables and the profile of `temporal.toml`, with
 * namespace, API key and mTLS. Without any: `localhost:7233`, namespace `default`.
 * @throws ConfigError without a word of the file, which may hold the API key.
 */
export function loadTemporalConfig(): TemporalConnectConfig & { address: string; namespace: string } {
  const config = loadProfile();
  return {
    ...config,
    address: config.connectionOptions.address ?? 'localhost:7233',
    namespace: config.namespace ?? 'default',
  };
}

function loadProfile(): TemporalConnectConfig {
  try {
    return loadClientConnectConfig();
  } catch (error) {
    const { line, column } = error as { line?: unknown; column?: unknown };
    const message =
      typeof line === 'number' && typeof column === 'number'
        ? `is no TOML (line ${line}, column ${column})`
        : 'has no such profile, or one that is malformed; see TEMPORAL_PROFILE';
    throw new ConfigError(process.env['TEMPORAL_CONFIG_FILE'] || 'temporal.toml', [{ path: '', message }]);
  }
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
