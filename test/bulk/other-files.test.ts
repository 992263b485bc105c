import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { locateSource } from '../../bulk/local-source.js';
import { openSource } from '../../bulk/source.js';
import { readKeyFile } from '../../mastercard/key-material.js';
import { fileKeyProvider } from '../../protection/file-key-provider.js';

let place: string;
let folder: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'c2p-other-'));
  folder = join(place, 'portfolios');
  await mkdir(folder);
});
afterEach(() => rm(place, { recursive: true }));

/** What a worker reads of a file in its folder. */
async function read(path: string): Promise<string> {
  const source = await openSource(await locateSource({ path }, folder));
  const blocks: Buffer[] = [];
  for await (const block of source.read(0)) blocks.push(block);
  return Buffer.concat(blocks).toString();
}

/** Fails instead of waiting for ever, and lets go of the thread that waits. */
async function atOnce<T>(work: Promise<T>, pipe: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      execFileSync('sh', ['-c', `: <>"${pipe}" & sleep 0.1; : >"${pipe}"`]);
      reject(new Error('it waited for the named pipe'));
    }, 5_000);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

describe.skipIf(process.platform === 'win32')('what is no file', () => {
  it('is refused at once: a named pipe that nobody writes into', async () => {
    const pipe = join(folder, 'pipe.csv');
    execFileSync('mkfifo', [pipe]);
    await expect(atOnce(read('pipe.csv'), pipe)).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: expect.stringContaining('is not a file') as string,
    });
  });

  it('is refused: a socket', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder, 'socket.csv'), resolve));
    await expect(read('socket.csv')).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
    await new Promise((resolve) => server.close(resolve));
  });

  it('is refused as a key file, too', async () => {
    const pipe = join(folder, 'key.pem');
    execFileSync('mkfifo', ['-m', '600', pipe]);
    await expect(atOnce(readKeyFile(pipe), pipe)).rejects.toMatchObject({ code: 'KEY_FILE_UNREADABLE' });
    await expect(atOnce(fileKeyProvider(pipe).read(), pipe)).rejects.toThrow('cannot be read (NOT_A_FILE)');
  });
});

describe('a link that another process exchanges all the time', () => {
  const ATTEMPTS = 1_500;
  let exchanging: ChildProcess;
  afterEach(() => exchanging.kill('SIGKILL'));

  it.each([
    {
      what: 'the file',
      link: 'now.csv',
      inside: 'inside.csv',
      outside: '../outside/secret.csv',
      file: 'now.csv',
    },
    { what: 'its folder', link: 'now', inside: 'inside', outside: '../outside', file: 'now/secret.csv' },
  ])('never leads out of the folder: $what', async ({ link, inside, outside, file }) => {
    await mkdir(join(place, 'outside'));
    await mkdir(join(folder, 'inside'));
    await writeFile(join(place, 'outside', 'secret.csv'), 'OUTSIDE');
    for (const name of ['inside.csv', 'inside/secret.csv']) await writeFile(join(folder, name), 'INSIDE_');
    await symlink(inside, join(folder, link));
    const exchange = fileURLToPath(new URL('exchange-link.js', import.meta.url));
    exchanging = fork(exchange, [join(folder, link), inside, outside]);
    await new Promise((resolve) => exchanging.once('message', resolve));
    const found = new Map<string, number>();
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const result = await read(file).catch((error: { code: string }) => error.code);
      found.set(result, (found.get(result) ?? 0) + 1);
    }
    expect([...found.keys()].sort()).toEqual(['INSIDE_', 'SOURCE_NOT_ALLOWED']);
  });
});
