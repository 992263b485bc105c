import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ProgramNotFoundError } from '../../dev/attempts.js';
import { findOrInstallTemporalCli } from '../../dev/temporal-cli.js';
import { bareMachine, fakeProgram, temporaryFolder } from './machine.js';

const WORKS = 'echo temporal version 0.0.0';

/** `go` as `go install` behaves: it puts the program into GOBIN; each run leaves a line in `go.log`. */
function fakeGo(bin: string): Promise<string> {
  return fakeProgram(
    bin,
    'go',
    `echo "$*" >> "${bin}/go.log"`,
    'echo "go: downloading example.com/module v1.0.0" >&2',
    `printf '#!/bin/sh\\n${WORKS}\\n' > "$GOBIN/temporal"`,
    '/bin/chmod +x "$GOBIN/temporal"',
  );
}

describe('finding the Temporal CLI', () => {
  it('takes TEMPORAL_CLI_PATH before the one on PATH', async () => {
    const { bin, env } = await bareMachine();
    await fakeProgram(bin, 'temporal', WORKS);
    const named = await fakeProgram(await temporaryFolder(), 'my-temporal', WORKS);
    expect(await findOrInstallTemporalCli({ env: { ...env, TEMPORAL_CLI_PATH: named } })).toEqual({
      path: named,
      source: 'TEMPORAL_CLI_PATH',
    });
  });

  it('goes on when TEMPORAL_CLI_PATH does not run, and says so', async () => {
    const { bin, env } = await bareMachine();
    const onPath = await fakeProgram(bin, 'temporal', WORKS);
    const broken = await fakeProgram(await temporaryFolder(), 'broken', 'exit 7');
    const lines: string[] = [];
    const found = await findOrInstallTemporalCli({
      env: { ...env, TEMPORAL_CLI_PATH: broken },
      onProgress: (line) => lines.push(line),
    });
    expect(found).toEqual({ path: onPath, source: 'PATH' });
    expect(lines[0]).toMatch(/TEMPORAL_CLI_PATH: .*broken does not run/);
  });

  it('builds it with Go where nothing else works, and finds it in the cache the next time', async () => {
    const { bin, env } = await bareMachine();
    await fakeGo(bin);
    const lines: string[] = [];
    const built = await findOrInstallTemporalCli({ env, onProgress: (line) => lines.push(line) });
    expect(built.source).toMatch(/^go install .*@v1\.5\.1$/);
    expect(dirname(dirname(built.path))).toBe(env['C2P_CACHE_DIR']);
    expect(lines.some((line) => line.includes('building the Temporal CLI'))).toBe(true);

    expect(await findOrInstallTemporalCli({ env })).toEqual({ path: built.path, source: 'cache' });
    expect((await readFile(join(bin, 'go.log'), 'utf8')).trim().split('\n')).toHaveLength(1);
  });

  it('builds once when two want it at the same time', async () => {
    const { bin, env } = await bareMachine();
    await fakeGo(bin);
    const [one, two] = await Promise.all([
      findOrInstallTemporalCli({ env }),
      findOrInstallTemporalCli({ env }),
    ]);
    expect(one.path).toBe(two.path);
    expect((await readFile(join(bin, 'go.log'), 'utf8')).trim().split('\n')).toHaveLength(1);
  });

  it('lists every attempt with its reason, and what to do, when nothing works', async () => {
    const { bin, env } = await bareMachine();
    await fakeProgram(bin, 'go', 'echo "dial tcp: no route to host" >&2', 'exit 1');
    const error: unknown = await findOrInstallTemporalCli({ env }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ProgramNotFoundError);
    const { attempts, code, message } = error as ProgramNotFoundError;
    expect(code).toBe('PROGRAM_NOT_FOUND');
    expect(attempts.map(({ source }) => source.split(' ')[0])).toEqual([
      'TEMPORAL_CLI_PATH',
      'PATH',
      'cache',
      "SDK's",
      'go',
    ]);
    expect(message).toContain('5. go install');
    expect(message).toContain('exit code 1: dial tcp: no route to host');
    expect(message).toContain('TEMPORAL_ADDRESS');
  });

  it('says that Go is missing where it is', async () => {
    const { env } = await bareMachine();
    await expect(findOrInstallTemporalCli({ env })).rejects.toThrow('Go is not on PATH');
  });
});
