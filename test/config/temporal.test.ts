import { afterEach, describe, expect, test, vi } from 'vitest';
import { temporalKeyFile } from '../../config/temporal.js';

afterEach(() => void vi.unstubAllEnvs());

describe('temporalKeyFile', () => {
  test('is the file of the client key of an mTLS connection, where there is one', () => {
    vi.stubEnv('TEMPORAL_CONFIG_FILE', '/nowhere/temporal.toml');
    expect(temporalKeyFile()).toBeUndefined();
    vi.stubEnv('TEMPORAL_TLS_CLIENT_KEY_PATH', '/etc/c2p/temporal.key');
    expect(temporalKeyFile()).toBe('/etc/c2p/temporal.key');
  });
});
