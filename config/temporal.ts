import type { ConnectionOptions } from '@temporalio/client';
import { loadClientConfigProfile, loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { ProxyUrlError, proxyTo, type HttpProxy, type Target } from '../protection/proxy.js';
import { ConfigError } from './errors.js';

const DEFAULT_PORT = 7233;

export interface TemporalConfig {
  address: string;
  namespace: string;
  /** The way to it, where that is none of its own. */
  proxy: HttpProxy | undefined;
  /** For commands and backend code. */
  client: ConnectionOptions;
  /** For workers. */
  worker: NativeConnectionOptions;
}

/**
 * Where Temporal is: the standard `TEMPORAL_*` variables and the profile of `temporal.toml`, with
 * namespace, API key and mTLS. Without any: `localhost:7233`, namespace `default`. It is reached by the proxy that
 * `proxyTo` says, by clients and workers alike.
 * @throws ConfigError without a word of the file, which may hold the API key; ProxyUrlError.
 */
export function loadTemporalConfig(): TemporalConfig {
  const { connectionOptions, namespace = 'default' } = loadProfile();
  const { address = `localhost:${DEFAULT_PORT}` } = connectionOptions;
  const target = targetOf(address);
  const proxy = target && proxyTo(target);
  if (proxy?.secure)
    throw new ProxyUrlError(
      `${proxy.variable} names a proxy that is spoken to over TLS, which Temporal's SDK cannot do`,
      "name it with http://, or list Temporal's host in NO_PROXY",
    );
  return {
    address,
    namespace,
    proxy,
    client: clientOptions(connectionOptions, target, proxy),
    worker: workerOptions(connectionOptions, proxy),
  };
}

/** Nothing for an address that is none: connecting says so. */
function targetOf(address: string): Target | undefined {
  if (address.includes('//') || !URL.canParse(`grpc://${address}`)) return undefined;
  const { hostname, port } = new URL(`grpc://${address}`);
  return { hostname, port: Number(port) || DEFAULT_PORT };
}

/**
 * By itself, gRPC for Node reads `grpc_proxy`, `https_proxy` and `http_proxy`, in lower case only, and `NO_PROXY` in a
 * way of its own: it gets the proxy in the options that it makes of those.
 */
function clientOptions(
  options: ConnectionOptions,
  target: Target | undefined,
  proxy: HttpProxy | undefined,
): ConnectionOptions {
  const channelArgs = { ...options.channelArgs, 'grpc.enable_http_proxy': 0 };
  if (!target || !proxy) return { ...options, channelArgs };
  const authority = `${target.hostname}:${target.port}`;
  const { credentials } = proxy;
  return {
    ...options,
    address: proxy.address,
    channelArgs: {
      ...channelArgs,
      'grpc.default_authority': authority,
      'grpc.http_connect_target': `dns:${authority}`,
      ...(credentials && { 'grpc.http_connect_creds': `${credentials.username}:${credentials.password}` }),
    },
  };
}

/** By itself, the SDK's core reads no variable. */
function workerOptions(
  options: NativeConnectionOptions,
  proxy: HttpProxy | undefined,
): NativeConnectionOptions {
  if (!proxy) return options;
  const { address: targetHost, credentials: basicAuth } = proxy;
  return { ...options, proxy: { type: 'http-connect', targetHost, ...(basicAuth && { basicAuth }) } };
}

function loadProfile(): ReturnType<typeof loadClientConnectConfig> {
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
