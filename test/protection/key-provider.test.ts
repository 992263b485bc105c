import {
  chmod,
  chown,
  lchown,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { commandKeyProvider } from '../../protection/command-key-provider.js';
import { replaceableByOthers } from '../../protection/private-file.js';
import { openKeyRing } from '../../protection/live-key-ring.js';
import { testKey, testKeyId, testRingJson } from '../support/key-rings.js';

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
    await writeFile(path, JSON.stringify(testRingJson(1)), { mode: 0o600 });
    expect(await currentOf({ path })).toBe(testKeyId(1));
  });

  it.skipIf(process.platform === 'win32').each(['0640', '0604', '0660'])(
    'is refused with mode %s, with the command that helps',
    async (mode) => {
      await writeFile(path, JSON.stringify(testRingJson(1)));
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

  it('is read behind a byte order mark', async () => {
    await writeFile(path, `\uFEFF${JSON.stringify(testRingJson(1))}`, { mode: 0o600 });
    expect((await openKeyRing({ path })).atHand().currentKeyId).toBe(testRingJson(1).current);
  });

  it('that is not JSON is not quoted', async () => {
    await writeFile(path, '{"current":"k1", SECRETSECRET', { mode: 0o600 });
    const error = await openKeyRing({ path }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: `key ring ${path}: is not JSON` });
    expect((error as Error).cause).toBeUndefined();
  });
});

describe.skipIf(process.platform === 'win32')('a key ring that a command prints', () => {
  const RING = testRingJson(1);
  const KEY = testKey(1);

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
    expect(await currentOf({ command: [file, '--ring', '$(date); x'] })).toBe(testKeyId(1));
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

  describe('that somebody else could put another in the place of', () => {
    const REMEDY = /key ring of the command .*: others can change it \(.*; run: /;

    it.each(['0720', '0702', '0777'])('is refused where its mode is %s', async (mode) => {
      const file = await program(`touch '${folder}/ran'`);
      await chmod(file, mode);
      const { message } = await refusal([file]);
      expect(message).toMatch(REMEDY);
      expect(message).toContain(`(the file ${file} has mode ${mode}); run: chmod go-w '${file}'`);
      await expect(stat(join(folder, 'ran'))).rejects.toThrow('ENOENT');
    });

    it.each(['0770', '0707', '1770'])(
      'is refused where a folder above has mode %s, but for a sticky one in which it has a folder of its own',
      async (mode) => {
        const above = join(folder, 'above');
        const below = join(above, 'below');
        await mkdir(below, { recursive: true });
        const file = join(below, 'my-kms');
        await rename(await program(`echo '${JSON.stringify(RING)}'`), file);
        await chmod(above, mode);
        if (mode.startsWith('1')) return void expect(await currentOf({ command: [file] })).toBe(testKeyId(1));
        expect((await refusal([file])).message).toContain(
          `others can change it (the folder ${above} has mode ${mode}); run: chmod go-w '${above}'`,
        );
      },
    );

    it('is refused where a symbolic link on its way leads through such a folder', async () => {
      const open = join(folder, 'open');
      await mkdir(open);
      const file = join(open, 'my-kms');
      await rename(await program(`echo '${JSON.stringify(RING)}'`), file);
      await chmod(open, 0o777);
      await symlink('open', join(folder, 'closed'));
      await symlink(join('closed', '..', 'open', 'my-kms'), join(folder, 'link'));
      for (const path of [join(folder, 'closed', 'my-kms'), join(folder, 'link')])
        expect((await refusal([path])).message).toContain(`(the folder ${open} has mode 0777)`);
      await chmod(open, 0o755);
      expect(await currentOf({ command: [join(folder, 'link')] })).toBe(testKeyId(1));
    });

    it('is refused where it belongs to a user who is neither root nor the one that c2p runs as', async () => {
      const file = await program('');
      const { uid } = await stat(file);
      const owner = uid === 0 ? 65_534 : uid;
      await chown(file, owner, -1);
      expect(await replaceableByOthers(file, owner + 1)).toContain(
        `belongs to user ${owner}, neither to root nor to user ${owner + 1}, as which c2p runs); run: chown -h root '`,
      );
      expect(await replaceableByOthers(file, owner)).toBeUndefined();
    });

    it.runIf(process.getuid?.() === 0)('is not run where it belongs to another user', async () => {
      const file = await program(`touch '${folder}/ran'`);
      await chown(file, 65_534, 0);
      expect((await refusal([file])).message).toContain(`(the file ${file} belongs to user 65534`);
      await chown(file, 0, 0);
      await chown(folder, 65_534, 0);
      expect((await refusal([file])).message).toContain(`(the folder ${folder} belongs to user 65534`);
      await chown(folder, 0, 0);
      await symlink(file, join(folder, 'link'));
      await lchown(join(folder, 'link'), 65_534, 0);
      expect((await refusal([join(folder, 'link')])).message).toContain(
        `(the link ${folder}/link belongs to user 65534`,
      );
      await expect(stat(join(folder, 'ran'))).rejects.toThrow('ENOENT');
    });
  });

  it('has in its environment PATH, HOME, LANG and what the configuration names, and nothing else', async () => {
    vi.stubEnv('C2P_SIGNING_PASSWORD', 'secret');
    vi.stubEnv('C2P_STORE_URL', 'postgres://u:secret@h/d');
    vi.stubEnv('NODE_OPTIONS', '');
    vi.stubEnv('LANG', 'C');
    vi.stubEnv('HOME', folder);
    vi.stubEnv('VAULT_ADDR', 'https://vault.example');
    vi.stubEnv('VAULT_ABSENT', undefined);
    try {
      const file = await program(`/usr/bin/env >'${folder}/environment'; echo '${JSON.stringify(RING)}'`);
      expect(await currentOf({ command: [file], environment: ['VAULT_ADDR', 'VAULT_ABSENT'] })).toBe(
        testKeyId(1),
      );
    } finally {
      vi.unstubAllEnvs();
    }
    const lines = (await readFile(join(folder, 'environment'), 'utf8')).trimEnd().split('\n');
    // A shell adds these of its own.
    const names = lines
      .map((line) => line.split('=')[0])
      .filter((name) => !/^(PWD|OLDPWD|SHLVL|_)$/.test(name!));
    expect(names.sort()).toEqual(['HOME', 'LANG', 'PATH', 'VAULT_ADDR']);
    expect(lines).toContain('VAULT_ADDR=https://vault.example');
  });

  it('is refused when the command cannot be run', async () => {
    expect((await refusal([join(folder, 'none')])).message).toContain('it cannot be run (ENOENT)');
    await writeFile(join(folder, 'plain'), '', { mode: 0o600 });
    expect((await refusal([join(folder, 'plain')])).message).toContain('it cannot be run (EACCES)');
  });
});
