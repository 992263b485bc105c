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

describe('the way to Temporal', () => {
  const way = (env: Record<string, string>) => {
    vi.stubEnv('TEMPORAL_CONFIG_FILE', '/nowhere/temporal.toml');
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    return loadTemporalConfig();
  };
  const HTTPS_PROXY = 'http://us%40er:p%3Ass@proxy.bank.example:3128';

  test('is by the proxy, for clients and workers alike', () => {
    const { client, worker, ...rest } = way({ HTTPS_PROXY, TEMPORAL_ADDRESS: 'temporal.bank.example' });
    expect(rest).toMatchObject({ address: 'temporal.bank.example', namespace: 'default' });
    expect(client).toMatchObject({
      address: 'proxy.bank.example:3128',
      channelArgs: {
        'grpc.enable_http_proxy': 0,
        'grpc.default_authority': 'temporal.bank.example:7233',
        'grpc.http_connect_target': 'dns:temporal.bank.example:7233',
        'grpc.http_connect_creds': 'us@er:p:ss',
      },
    });
    expect(worker).toMatchObject({
      address: 'temporal.bank.example',
      proxy: {
        type: 'http-connect',
        targetHost: 'proxy.bank.example:3128',
        basicAuth: { username: 'us@er', password: 'p:ss' },
      },
    });
  });

  test.each<Record<string, string>>([
    { TEMPORAL_ADDRESS: 'temporal.bank.example:7233' },
    { TEMPORAL_ADDRESS: 'temporal.bank.example:7233', HTTPS_PROXY, NO_PROXY: '.bank.example' },
    { TEMPORAL_ADDRESS: 'temporal.bank.example:7233', HTTPS_PROXY, no_proxy: 'temporal.bank.example:7233' },
    { TEMPORAL_ADDRESS: '10.1.2.3:7233', HTTPS_PROXY, NO_PROXY: '10.0.0.0/8' },
    { TEMPORAL_ADDRESS: '[fd00::1]:7233', HTTPS_PROXY, NO_PROXY: 'fd00::/8' },
    { TEMPORAL_ADDRESS: 'temporal.bank.example:7233', grpc_proxy: 'http://127.0.0.1:9' },
    { TEMPORAL_ADDRESS: '127.0.0.1:7233', HTTPS_PROXY },
    { TEMPORAL_ADDRESS: 'localhost', https_proxy: HTTPS_PROXY },
    { HTTPS_PROXY },
    { TEMPORAL_ADDRESS: 'http://temporal.bank.example:7233', HTTPS_PROXY },
  ])('is direct with %j, also for what gRPC reads itself', (env) => {
    const { address, proxy, client, worker } = way(env);
    expect(proxy).toBeUndefined();
    expect(client.address ?? 'localhost:7233').toBe(address);
    expect(client.channelArgs).toEqual({ 'grpc.enable_http_proxy': 0 });
    expect(worker).not.toHaveProperty('proxy');
  });
});
