import { pino } from 'pino';
import { createCodecServer, type CodecServer } from '../protection/codec-server/codec-server.js';
import type { KeyRingSource } from '../protection/key-ring.js';
import { createLogger } from '../protection/logger.js';
import { EncryptingPayloadCodec } from '../protection/payload-codec.js';

export interface SandboxCodecServerOptions {
  keyRing: KeyRingSource;
  host?: string | undefined;
  port: number;
  /** Of the Web UI. */
  uiPort: number;
  namespace: string;
  /** Where the audit log goes: a file; standard error by default. */
  logFile?: string | undefined;
}

/**
 * The codec server of a sandbox: everyone at this machine is signed in, since the Web UI that Temporal's
 * CLI brings along has nobody who could sign in, and every card is made up. It masks as the real one does.
 */
export function startSandboxCodecServer(options: SandboxCodecServerOptions): Promise<CodecServer> {
  const { keyRing, host = '127.0.0.1', port, uiPort, namespace, logFile } = options;
  return createCodecServer({
    host,
    port,
    // The Web UI asks for payloads in clear, too: those of other programs.
    codec: new EncryptingPayloadCodec(keyRing, { encrypts: false }),
    authenticate: () => Promise.resolve({ subject: 'sandbox', scopes: new Set(), mayRead: () => true }),
    origins: [`http://127.0.0.1:${uiPort}`, `http://localhost:${uiPort}`],
    namespaces: [namespace],
    requestsPerMinute: 60_000,
    audit: createLogger({
      name: 'c2p-codec-server',
      level: 'info',
      destination:
        logFile === undefined ? undefined : pino.destination({ dest: logFile, sync: true, mkdir: true }),
    }),
  });
}
