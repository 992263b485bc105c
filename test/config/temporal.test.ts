import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { loadTemporalConfig, temporalKeyFile } from '../../config/temporal.js';

afterEach(() => void vi.unstubAllEnvs());

describe('temporalKeyFile', () => {
  test('is the file of the client key of an mTLS connection, where there is one', () => {
    vi.stubEnv('TEMPORAL_CONFIG_FILE', '/nowhere/temporal.toml');
    expect(temporalKeyFile()).toBeUndefined();
    vi.stubEnv('TEMPORAL_TLS_CLIENT_KEY_PATH', '/etc/c2p/temporal.key');
    expect(temporalKeyFile()).toBe('/etc/c2p/temporal.key');
  });
});

describe('the profile of temporal.toml', () => {
  test.each<[string, string | undefined, string]>([
    ['[profile.default]\napi_key = "SECRET\n', undefined, 'is no TOML (line 2, column 18)'],
    ['[profile.default]\napi_key = SECRET\n', undefined, 'is no TOML (line 2, column 11)'],
    ['api_key = "SECRET"\n', 'prod', 'has no such profile, or one that is malformed; see TEMPORAL_PROFILE'],
    ['profile = "SECRET"\n', 'prod', 'has no such profile, or one that is malformed; see TEMPORAL_PROFILE'],
    [
      '[profile.default.tls]\nclient_key_data = "SECRET"\nclient_key_path = "SECRET"\n',
      undefined,
      'has no such profile, or one that is malformed; see TEMPORAL_PROFILE',
    ],
  ])(
    'that cannot be read is refused by place and without a word of it: %j',
    async (text, profile, problem) => {
      const folder = await mkdtemp(join(tmpdir(), 'c2p-temporal-'));
      const file = join(folder, 'temporal.toml');
      await writeFile(file, text);
      vi.stubEnv('TEMPORAL_CONFIG_FILE', file);
      vi.stubEnv('TEMPORAL_PROFILE', profile);
      try {
        expect(() => loadTemporalConfig()).toThrow(
          expect.objectContaining({
            code: 'CONFIGURATION_INVALID',
            message: `the configuration ${file} cannot be used:\n  ${problem}`,
          }) as Error,
        );
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  );
});
