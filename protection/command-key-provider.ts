import { setTimeout as sleep } from 'node:timers/promises';
import { execa, type ResultPromise } from 'execa';
import type { KeyProvider } from './key-provider.js';
import { KeyRingError, MAX_KEY_RING_BYTES } from './key-ring-json.js';
import { maskPersonal } from './mask.js';
import { replaceableByOthers } from './private-file.js';

const MAX_AGE_MS = 60_000;
/** However many blobs ask for a key that nobody has. */
const MIN_INTERVAL_MS = 1_000;
const TIME_LIMIT_MS = 30_000;
/** Of standard error, how much of its end is shown. */
const SHOWN = 500;

/** Of the environment: what programs need that know nothing of c2p. */
const ALWAYS_PASSED = ['PATH', 'HOME', 'LANG'] as const;

/** What may be a key, in base64, base64url or hex: 32 bytes have at least 43 characters. */
const KEY_MATERIAL = /[A-Za-z0-9+/_-]{20,}={0,2}/g;

/**
 * A program that prints the key ring on standard output, as JSON: the way to any KMS or vault. It is run
 * as it stands, without a shell, unless others could put another in its place, and ended after 30 seconds. Nothing
 * secret of c2p is handed to it: arguments can be read by every user of the machine, and of the environment it has
 * `PATH`, `HOME`, `LANG` and what is named.
 *
 * @param command the program's path, then its arguments.
 * @param options.environment names of variables, with which it may log in.
 */
export function commandKeyProvider(
  [file, ...args]: readonly [string, ...string[]],
  {
    environment = [],
    timeLimitMs = TIME_LIMIT_MS,
  }: { environment?: readonly string[] | undefined; timeLimitMs?: number } = {},
): KeyProvider {
  const source = `of the command ${file}`;
  let notBefore = 0;
  return {
    source,
    maxAgeMs: MAX_AGE_MS,
    async read() {
      await sleep(Math.min(MIN_INTERVAL_MS, Math.max(0, notBefore - Date.now())));
      notBefore = Date.now() + MIN_INTERVAL_MS;
      const replaceable = await replaceableByOthers(file).catch((error: NodeJS.ErrnoException) =>
        cannotBeRun(error.code),
      );
      if (replaceable !== undefined) throw new KeyRingError(source, replaceable);
      // Detached, so that it can be ended together with what it started: its own children hold the pipes open.
      const options = {
        stdin: 'ignore',
        reject: false,
        maxBuffer: MAX_KEY_RING_BYTES,
        detached: true,
        extendEnv: false,
        env: variables([...ALWAYS_PASSED, ...environment]),
      } as const;
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
      return `it printed more than ${MAX_KEY_RING_BYTES} bytes; a key ring is JSON of a few hundred`;
    if (result.exitCode !== undefined) return `it ended with exit code ${result.exitCode}`;
    if (result.signal !== undefined) return `it was ended by ${result.signal}`;
    return cannotBeRun(result.code);
  }
}

function cannotBeRun(code = 'unknown error'): string {
  return `it cannot be run (${code}); set dataKeys.command to a program that this user can run, by its path`;
}

/** Those that are set. */
function variables(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
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
