import { setTimeout as sleep } from 'node:timers/promises';
import { execa, type ResultPromise } from 'execa';
import type { KeyProvider } from './key-provider.js';
import { KeyRingError } from './key-ring-json.js';
import { maskPersonal } from './mask.js';

const MAX_AGE_MS = 60_000;
/** However many blobs ask for a key that nobody has. */
const MIN_INTERVAL_MS = 1_000;
const TIME_LIMIT_MS = 30_000;
const SIZE_LIMIT = 65_536;
/** Of standard error, how much of its end is shown. */
const SHOWN = 500;

/** What may be a key, in base64, base64url or hex: 32 bytes have at least 43 characters. */
const KEY_MATERIAL = /[A-Za-z0-9+/_-]{20,}={0,2}/g;

/**
 * A program that prints the key ring on standard output, as JSON: the way to any KMS or vault. It is run
 * as it stands, without a shell, and ended after 30 seconds. Nothing secret is handed to it: arguments can
 * be read by every user of the machine, so what it logs in with it has from its environment or from files.
 *
 * @param command the program's path, then its arguments.
 */
export function commandKeyProvider(
  [file, ...args]: readonly [string, ...string[]],
  { timeLimitMs = TIME_LIMIT_MS } = {},
): KeyProvider {
  const source = `of the command ${file}`;
  let notBefore = 0;
  return {
    source,
    maxAgeMs: MAX_AGE_MS,
    async read() {
      await sleep(Math.min(MIN_INTERVAL_MS, Math.max(0, notBefore - Date.now())));
      notBefore = Date.now() + MIN_INTERVAL_MS;
      // Detached, so that it can be ended together with what it started: its own children hold the pipes open.
      const options = { stdin: 'ignore', reject: false, maxBuffer: SIZE_LIMIT, detached: true } as const;
      const running = execa(file, args, options);
      let timedOut = false;
      const timer = setTimeout(() => {
        timedOut = true;
        endGroup(running);
      }, timeLimitMs);
      const result = await running.finally(() => clearTimeout(timer));
      if (!result.failed) return result.stdout;
      // Nothing else of what execa tells: its messages hold what the command printed.
      throw new KeyRingError(source, `${problemOf({ ...result, timedOut })}${said(result.stderr)}`);
    },
  };

  function problemOf(result: {
    timedOut: boolean;
    isMaxBuffer: boolean;
    exitCode?: number | undefined;
    signal?: string | undefined;
    code?: string | undefined;
  }): string {
    if (result.timedOut) return `it did not end within ${timeLimitMs / 1000} s`;
    if (result.isMaxBuffer)
      return `it printed more than ${SIZE_LIMIT} bytes; a key ring is JSON of a few hundred`;
    if (result.exitCode !== undefined) return `it ended with exit code ${result.exitCode}`;
    if (result.signal !== undefined) return `it was ended by ${result.signal}`;
    const remedy = 'set dataKeys.command to a program that this user can run, by its path';
    return `it cannot be run (${result.code ?? 'unknown error'}); ${remedy}`;
  }
}

function endGroup({ pid, kill }: Pick<ResultPromise, 'pid' | 'kill'>): void {
  if (process.platform === 'win32' || pid === undefined) return void kill('SIGKILL');
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}

/** The end of standard error, with nothing that may be a key, a card number, an e-mail address or a phone number. */
function said(stderr: string): string {
  const text = maskPersonal(stderr.replace(KEY_MATERIAL, '[masked]')).trim();
  if (text === '') return '';
  return `; it said: ${text.length > SHOWN ? `…${text.slice(-SHOWN)}` : text}`;
}
