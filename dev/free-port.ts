import { randomInt } from 'node:crypto';
import getPort from 'get-port';

const HOST = '127.0.0.1';

/**
 * A free port below those that systems give to outgoing connections (32768 and up): one of theirs may be
 * taken before a server listens on it, or while it is being restarted.
 */
export function freePort(): Promise<number> {
  return getPort({ host: HOST, port: Array.from({ length: 50 }, () => randomInt(20_000, 32_768)) });
}
