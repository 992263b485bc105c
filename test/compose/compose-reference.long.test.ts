import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, onTestFinished } from 'vitest';
import which from 'which';
import { startEmbeddedTemporal } from '../../dev/embedded-temporal.js';
import { findOrInstallTemporalCli } from '../../dev/temporal-cli.js';
import { temporaryFolder } from '../dev/machine.js';
import { composeText, service, services } from './compose-file.js';

const REFERENCE = 'github.com/compose-spec/compose-go/v2/cmd@v2.16.2';
const go = await which('go', { nothrow: true });

/** What the reference implementation of Compose says about a file. */
async function check(text: string) {
  const folder = await temporaryFolder();
  // Its command line has no way to give a value to a variable that must have one.
  const file = join(folder, 'docker-compose.yml');
  await writeFile(file, text.replace(/\$\{\w+:\?[^}]*\}/g, 'given'));
  return execa(go ?? 'go', ['run', REFERENCE, '--format', 'json', file], { cwd: folder, reject: false });
}

describe.skipIf(go === null)('the Compose reference implementation (skipped where Go is not on PATH)', () => {
  it('accepts the file and sees every service in it', { timeout: 300_000 }, async () => {
    const { stdout, stderr, exitCode } = await check(composeText);
    // Go tells there what it downloads, the first time.
    expect(stderr.replace(/^go: downloading .*\n?/gm, '')).toBe('');
    expect(exitCode).toBe(0);
    const model = JSON.parse(stdout) as { services: Record<string, unknown> };
    expect(Object.keys(model.services).sort()).toEqual(services.map(([name]) => name).sort());
  });

  it('refuses the file with a misspelt key', { timeout: 300_000 }, async () => {
    const { stderr, exitCode } = await check(composeText.replace('stop_grace_period', 'stop_grace_priod'));
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('stop_grace_priod');
  });
});

describe('the one-shot that makes the namespace', () => {
  it('makes it with a retention of thirty days, and finds nothing to do the next time', async () => {
    const folder = await temporaryFolder();
    const server = await startEmbeddedTemporal({ logFile: join(folder, 'log') });
    onTestFinished(server.stop);
    const bin = join(folder, 'bin');
    await mkdir(bin);
    await symlink((await findOrInstallTemporalCli()).path, join(bin, 'temporal'));
    const { entrypoint: [shell = '', ...flags] = [], command: [script = ''] = [] } =
      service('temporal-namespace');
    const run = () =>
      execa(shell, [...flags, script.replaceAll('$$', '$')], {
        env: { PATH: bin, HOME: folder, TEMPORAL_ADDRESS: server.address, TEMPORAL_NAMESPACE: 'cards' },
        extendEnv: false,
        all: true,
      });
    expect((await run()).all).toContain('Namespace cards successfully registered');
    const again = (await run()).all;
    expect(again).toContain('720h');
    expect(again).not.toContain('registered');
  });
});
