import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import type { OnProgress } from './attempts.js';
import { cacheFolder } from './cache.js';
import { freePort } from './free-port.js';
import type { ServerProcess } from './server-process.js';
import { startServerProcess } from './server-process.js';
import { findOrInstallTemporalCli } from './temporal-cli.js';

const DYNAMIC_CONFIG = {
  // Otherwise the server asks its maker for newer versions, over the Internet.
  'frontend.enableServerVersionCheck': 'false',
  // Programs take turns on the task queue that they share (`fairShare`).
  'matching.enableFairness': 'true',
};

const HOST = '127.0.0.1';
const READY_WITHIN_MS = 60_000;

export interface EmbeddedTemporalOptions {
  /** SQLite file with everything that Temporal knows; it survives restarts. Default: in memory. */
  dbFilename?: string | undefined;
  /** gRPC port on loopback; default: a free one. */
  port?: number | undefined;
  /** Web UI port on loopback; default: a free one. */
  uiPort?: number | undefined;
  /** Created if missing; default `default`. */
  namespace?: string | undefined;
  /** Where the server's log is appended; default `temporal.log` beside the database file, or in c2p's cache. */
  logFile?: string | undefined;
  /** Of the codec server that the Web UI asks to decode payloads; default: none. */
  codecEndpoint?: string | undefined;
  /** What the server logs at least; default `warn`. */
  logLevel?: 'debug' | 'warn' | undefined;
  /** Dynamic configuration of the server, values as in JSON. */
  dynamicConfig?: Readonly<Record<string, string>> | undefined;
  onProgress?: OnProgress | undefined;
  /** Where the Temporal CLI is looked for; default: this process's environment. */
  env?: NodeJS.ProcessEnv | undefined;
}

export interface EmbeddedTemporal {
  /** `host:port` for gRPC. */
  address: string;
  uiUrl: string;
  namespace: string;
  pid: number;
  logFile: string;
  /** Ends the server in an orderly way, and by force after ten seconds. */
  stop: () => Promise<void>;
  /** Ends the server at once, as a crash would. */
  kill: () => Promise<void>;
}

/** The embedded server did not become ready. The message says why and names the log file. */
export class EmbeddedTemporalError extends Error {
  override readonly name = 'EmbeddedTemporalError';
  readonly code = 'EMBEDDED_TEMPORAL_FAILED';
}

/** The Temporal that the user runs, by `TEMPORAL_ADDRESS`; where there is one, none is to be embedded. */
export function externalTemporalAddress(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return env['TEMPORAL_ADDRESS'] || undefined;
}

/**
 * Starts a Temporal server with its Web UI on this machine, reachable on loopback only, and resolves
 * when it takes workflows. It ends when this process ends.
 *
 * @throws ProgramNotFoundError when there is no Temporal CLI and none can be installed
 * @throws EmbeddedTemporalError when the server does not start
 */
export async function startEmbeddedTemporal(
  options: EmbeddedTemporalOptions = {},
): Promise<EmbeddedTemporal> {
  const { namespace = 'default', onProgress = () => undefined, env = process.env } = options;
  const { path } = await findOrInstallTemporalCli({ onProgress, env });
  const port = options.port ?? (await freePort());
  const uiPort = options.uiPort ?? (await freePort());
  const dbFilename = options.dbFilename && resolve(options.dbFilename);
  if (dbFilename) await mkdir(dirname(dbFilename), { recursive: true, mode: 0o700 });
  const logFile = resolve(
    options.logFile ?? join(dbFilename ? dirname(dbFilename) : cacheFolder(env), 'temporal.log'),
  );

  onProgress(`starting Temporal on ${HOST}:${port}, log in ${logFile} …`);
  const server = await startServerProcess(
    path,
    serverArguments({ ...options, port, uiPort, namespace, dbFilename }),
    {
      env: withoutTemporalVariables(env),
      logFile,
    },
  );
  const address = `${HOST}:${port}`;
  const uiUrl = `http://${HOST}:${uiPort}`;
  try {
    await untilReady(server, { address, uiUrl, namespace });
  } catch (error) {
    await server.kill();
    const reason = error instanceof Error ? error.message : String(error);
    throw new EmbeddedTemporalError(
      `the embedded Temporal on ${address} did not start: ${reason}; its log is ${logFile}, ending with\n` +
        (await server.logTail()),
    );
  }
  onProgress(`Temporal is ready on ${address}, Web UI on ${uiUrl}`);
  const { pid, stop, kill } = server;
  return { address, uiUrl, namespace, pid, logFile, stop, kill };
}

function serverArguments(options: {
  port: number;
  uiPort: number;
  namespace: string;
  dbFilename: string | undefined;
  codecEndpoint?: string | undefined;
  logLevel?: string | undefined;
  dynamicConfig?: Readonly<Record<string, string>> | undefined;
}): string[] {
  const dynamicConfig = { ...DYNAMIC_CONFIG, ...options.dynamicConfig };
  return [
    'server',
    'start-dev',
    ...['--ip', HOST, '--port', String(options.port), '--ui-port', String(options.uiPort)],
    ...['--namespace', options.namespace],
    ...(options.codecEndpoint ? ['--ui-codec-endpoint', options.codecEndpoint] : []),
    ...(options.dbFilename ? ['--db-filename', options.dbFilename] : []),
    ...['--log-format', 'json', '--log-level', options.logLevel ?? 'warn'],
    ...Object.entries(dynamicConfig).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
  ];
}

/** `TEMPORAL_*` variables are for clients (profiles, TLS, …); the server's own CLI would read them too. */
function withoutTemporalVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}

async function untilReady(
  server: ServerProcess,
  target: { address: string; uiUrl: string; namespace: string },
): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  let how: string | undefined;
  void server.ended.then((ended) => (how = ended));
  for (;;) {
    try {
      return await probe(target);
    } catch (error) {
      if (how !== undefined) throw new Error(`it ended (${how})`, { cause: error });
      if (Date.now() > deadline)
        throw new Error(`not ready after ${READY_WITHIN_MS / 1000} s`, { cause: error });
      await sleep(100);
    }
  }
}

/** Rejects unless the frontend is healthy, knows the namespace, and the Web UI answers. */
async function probe(target: { address: string; uiUrl: string; namespace: string }): Promise<void> {
  const connection = await Connection.connect({
    address: target.address,
    connectTimeout: '2s',
    // A proxy for the Internet is no way to loopback.
    channelArgs: { 'grpc.enable_http_proxy': 0 },
  });
  try {
    await connection.withDeadline(Date.now() + 5000, async () => {
      await connection.healthService.check({ service: 'temporal.api.workflowservice.v1.WorkflowService' });
      await connection.workflowService.describeNamespace({ namespace: target.namespace });
    });
  } finally {
    await connection.close();
  }
  const response = await fetch(target.uiUrl, { signal: AbortSignal.timeout(5000) });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`the Web UI answers ${response.status}`);
}
