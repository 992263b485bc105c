import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';

const signals = fileURLToPath(new URL('../../dist/cli/signals.js', import.meta.url));

/** What waits to be interrupted, in a shell, as npm runs a command. */
async function inShell(env: Record<string, string | undefined>) {
  const script = `
    import { untilInterrupted } from ${JSON.stringify(signals)};
    const parent = process.ppid;
    void untilInterrupted().then(() => { console.log('interrupted'); process.exit(); });
    console.log(process.pid);
    let seen = 0;
    setInterval(() => { if (process.ppid !== parent && ++seen === 30) console.log('still waiting'); }, 100);`;
  const shell = execa(
    '/bin/sh',
    ['-c', '"$@"; exit', 'sh', process.execPath, '--input-type=module', '-e', script],
    {
      env,
      stdin: 'ignore',
      buffer: false,
      reject: false,
    },
  );
  const lines = createInterface({ input: shell.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => String((await lines.next()).value);
  const pid = Number(await nextLine());
  onTestFinished(() => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  });
  return { shell, pid, nextLine };
}

test.each(['SIGINT', 'SIGTERM'] as const)('%s interrupts what waits', async (signal) => {
  const { pid, nextLine } = await inShell({ npm_command: undefined });
  process.kill(pid, signal);
  expect(await nextLine()).toBe('interrupted');
});

test("the end of npm's shell interrupts what npx started", async () => {
  const { shell, nextLine } = await inShell({ npm_command: 'exec' });
  shell.kill('SIGTERM');
  expect(await nextLine()).toBe('interrupted');
});

test('the end of a shell of your own leaves what it started running', async () => {
  const { shell, nextLine } = await inShell({ npm_command: undefined });
  shell.kill('SIGTERM');
  expect(await nextLine()).toBe('still waiting');
});
