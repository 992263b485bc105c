import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandKeyProvider } from '../../protection/command-key-provider.js';
import { KeyRing } from '../../protection/key-ring.js';
import { openKeyRing } from '../../protection/live-key-ring.js';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-key-ring-'));
  path = join(folder, 'data-keys.json');
});
afterEach(() => rm(folder, { recursive: true }));

const currentOf = async (options: Parameters<typeof openKeyRing>[0]) =>
  (await (await openKeyRing(options)).latest()).currentKeyId;

describe('a key ring in a file', () => {
  it('is read where only its owner can read it', async () => {
    await writeFile(path, JSON.stringify(KeyRing.generate()), { mode: 0o600 });
    expect(await currentOf({ path })).toBe('k1');
  });

  it.skipIf(process.platform === 'win32').each(['0640', '0604', '0660'])(
    'is refused with mode %s, with the command that helps',
    async (mode) => {
      await writeFile(path, JSON.stringify(KeyRing.generate()));
      await chmod(path, mode);
      await expect(openKeyRing({ path })).rejects.toThrow(`(mode ${mode}); run: chmod 600 '${path}'`);
    },
  );

  it('that is not there, or a folder in its place, says so', async () => {
    await expect(openKeyRing({ path })).rejects.toMatchObject({
      code: 'KEY_RING_INVALID',
      message: `key ring ${path}: there is no such file; set dataKeys.path to where the key ring is, or make one: c2p keys init`,
    });
    await expect(openKeyRing({ path: folder })).rejects.toThrow(/cannot be read \(EISDIR\)/);
  });

  it('that is not JSON is not quoted', async () => {
    await writeFile(path, '{"current":"k1", SECRETSECRET', { mode: 0o600 });
    const error = await openKeyRing({ path }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: `key ring ${path}: is not JSON` });
    expect((error as Error).cause).toBeUndefined();
  });
});

describe.skipIf(process.platform === 'win32')('a key ring that a command prints', () => {
  const RING = KeyRing.generate();
  const KEY = RING.keys.k1!;

  /** A program of its own, run as it stands. */
  async function program(script: string): Promise<string> {
    const file = join(folder, 'my-kms');
    await writeFile(file, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
    return file;
  }
  async function refusal(command: [string, ...string[]], timeLimitMs?: number): Promise<Error> {
    const read = commandKeyProvider(command, { ...(timeLimitMs !== undefined && { timeLimitMs }) }).read();
    const error: unknown = await read.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'KEY_RING_INVALID' });
    expect((error as Error).cause).toBeUndefined();
    return error as Error;
  }

  it('is read, the arguments being handed over as they are', async () => {
    const file = await program(`[ "$#" = 2 ] && [ "$2" = '$(date); x' ] && echo '${JSON.stringify(RING)}'`);
    expect(await currentOf({ command: [file, '--ring', '$(date); x'] })).toBe('k1');
  });

  it('is refused when the command fails, with its exit code and what it said, but for keys and card numbers', async () => {
    const file = await program(
      `echo '${JSON.stringify(RING)}'; echo "no access for 5186001700009726 with ${KEY}" >&2; exit 7`,
    );
    const { message } = await refusal([file]);
    expect(message).toBe(
      `key ring of the command ${file}: it ended with exit code 7; it said: no access for ************9726 with [masked]`,
    );
  });

  it('is refused when it is none, without being repeated', async () => {
    const file = await program(`echo 'token ${KEY}'`);
    await expect(openKeyRing({ command: [file] })).rejects.toThrow(
      `key ring of the command ${file}: is not JSON`,
    );
  });

  it('is refused when the command takes too long, also when its own child holds on', async () => {
    expect((await refusal([await program('exec sleep 60')], 200)).message).toContain(
      'it did not end within 0.2 s',
    );
    expect((await refusal([await program('sleep 60')], 200)).message).toContain(
      'it did not end within 0.2 s',
    );
  });

  it('is refused when the command prints without end', async () => {
    const file = await program('exec yes');
    expect((await refusal([file])).message).toContain('it printed more than 65536 bytes');
  });

  it('is refused when the command cannot be run', async () => {
    expect((await refusal([join(folder, 'none')])).message).toContain('it cannot be run (ENOENT)');
    await writeFile(join(folder, 'plain'), '', { mode: 0o600 });
    expect((await refusal([join(folder, 'plain')])).message).toContain('it cannot be run (EACCES)');
  });
});
