import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startServerProcess } from '../../dev/server-process.js';
import { fakeProgram, temporaryFolder } from './machine.js';

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a server process', () => {
  it('tells how it ended and what it wrote last, leaving out what earlier runs wrote', async () => {
    const folder = await temporaryFolder();
    const options = { env: { WORD: 'one' }, logFile: join(folder, 'logs', 'server.log') };
    const program = await fakeProgram(folder, 'server', 'echo "$WORD"', 'exit 3');
    await (
      await startServerProcess(program, [], options)
    ).ended;
    const second = await startServerProcess(program, [], { ...options, env: { WORD: 'two' } });
    expect(await second.ended).toBe('exit code 3');
    expect(await second.logTail()).toBe('two');
  });

  it('can be stopped more than once', async () => {
    const folder = await temporaryFolder();
    const program = await fakeProgram(folder, 'server', 'exec /bin/sleep 600');
    const server = await startServerProcess(program, [], { env: {}, logFile: join(folder, 'log') });
    await server.stop();
    await server.stop();
    expect(await server.ended).toBe('SIGTERM');
  });

  it('is refused with a reason when the program does not exist', async () => {
    const folder = await temporaryFolder();
    const options = { env: {}, logFile: join(folder, 'log') };
    await expect(startServerProcess(join(folder, 'nothing'), [], options)).rejects.toThrow('ENOENT');
  });
});

/** What a terminal does: the signal goes to the whole process group. */
function ctrlC({ pid }: { pid?: number }): void {
  if (pid !== undefined) process.kill(-pid, 'SIGINT');
}

const compiled = fileURLToPath(new URL('../../dist/dev/server-process.js', import.meta.url));

describe.skipIf(!existsSync(compiled))('a server process and its parent (skipped before a build)', () => {
  /** A process, in a group of its own, that starts a server; it runs `prologue` first. */
  async function parentAndServer(prologue: string) {
    const folder = await temporaryFolder();
    const program = await fakeProgram(folder, 'server', 'exec /bin/sleep 600');
    const script = `
      import { startServerProcess } from ${JSON.stringify(compiled)};
      ${prologue}
      const server = await startServerProcess(${JSON.stringify(program)}, [], {
        env: {}, logFile: ${JSON.stringify(join(folder, 'log'))} });
      console.log(server.pid);
      setInterval(() => {}, 1000);`;
    const parent = execa(process.execPath, ['--input-type=module', '-e', script], {
      detached: true,
      reject: false,
    });
    const lines = createInterface({ input: parent.stdout })[Symbol.asyncIterator]();
    const nextLine = async () => String((await lines.next()).value);
    const server = Number(await nextLine());
    onTestFinished(() => {
      if (alive(server)) process.kill(server, 'SIGKILL');
      parent.kill('SIGKILL');
    });
    return { parent, server, nextLine };
  }

  it('ends with its parent when Ctrl-C ends that', async () => {
    const { parent, server } = await parentAndServer('');
    ctrlC(parent);
    await vi.waitFor(() => expect(alive(server)).toBe(false), 10_000);
    expect((await parent).signal).toBe('SIGINT');
  });

  it('is not touched by a Ctrl-C that its parent answers with an orderly end', async () => {
    const { parent, server, nextLine } = await parentAndServer(
      `process.on('SIGINT', () => console.log('finishing my work'));`,
    );
    ctrlC(parent);
    expect(await nextLine()).toBe('finishing my work');
    expect(alive(server)).toBe(true);
    parent.kill('SIGTERM');
    await vi.waitFor(() => expect(alive(server)).toBe(false), 10_000);
  });
});
