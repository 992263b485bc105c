import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { PinnedJar } from '../../dev/maven-jars.js';
import { downloadJars } from '../../dev/maven-jars.js';
import { temporaryFolder } from './machine.js';

/** Serves files by path, as a Maven repository does; resolves to its base address. */
async function repository(files: Record<string, string>): Promise<string> {
  const server = createServer((request, response) => {
    const file = files[request.url ?? ''];
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function pinned(coordinates: string, content: string): PinnedJar {
  return { coordinates, sha256: createHash('sha256').update(content).digest('hex') };
}

const silent = () => undefined;

describe('downloading jars', () => {
  it('fetches each by its coordinates and tells how many are there', async () => {
    const base = await repository({
      '/org/example/one/1.0/one-1.0.jar': 'first',
      '/org/example/two/2.0-alpha/two-2.0-alpha.jar': 'second',
    });
    const folder = await temporaryFolder();
    const counts: number[] = [];
    const jars = [pinned('org.example:one:1.0', 'first'), pinned('org.example:two:2.0-alpha', 'second')];
    await downloadJars(jars, folder, (count) => counts.push(count), base);
    expect((await readdir(folder)).sort()).toEqual([
      'org.example-one-1.0.jar',
      'org.example-two-2.0-alpha.jar',
    ]);
    expect(await readFile(join(folder, 'org.example-one-1.0.jar'), 'utf8')).toBe('first');
    expect(counts).toEqual([1, 2]);
  });

  it('refuses a jar that is not the pinned one, naming it', async () => {
    const base = await repository({ '/org/example/one/1.0/one-1.0.jar': 'altered' });
    const folder = await temporaryFolder();
    const error: unknown = await downloadJars(
      [pinned('org.example:one:1.0', 'first')],
      folder,
      silent,
      base,
    ).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: 'org.example:one:1.0' });
    expect((error as Error).cause).toMatchObject({
      message: expect.stringContaining('not the pinned') as string,
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('says which jar the repository does not have', async () => {
    const base = await repository({});
    await expect(
      downloadJars([pinned('org.example:one:1.0', '')], await temporaryFolder(), silent, base),
    ).rejects.toMatchObject({ message: 'org.example:one:1.0', cause: { message: 'HTTP status 404' } });
  });
});
