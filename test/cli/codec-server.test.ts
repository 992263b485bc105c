import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeSandboxConfig } from '../../dev/sandbox.js';
import { c2p } from './command-line.js';
import { sandboxKeysIn } from '../support/sandbox-keys.js';

const SECRET_VARIABLE = 'C2P_TEST_CODEC_SECRET';
const SECRET = 'a secret of at least thirty-two bytes';

let folder: string;
let configPath: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-codec-server-'));
  const keys = await sandboxKeysIn(folder);
  ({ configPath } = await writeSandboxConfig(keys, { baseUrl: 'https://mastercard.example' }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function refusal(codecServer: object | undefined, env: Record<string, string> = {}) {
  const config = JSON.parse(await readFile(configPath, 'utf8')) as object;
  await writeFile(configPath, JSON.stringify({ ...config, codecServer }));
  return c2p(['codec-server'], { C2P_CONFIG: configPath, ...env });
}

const settings = {
  origins: ['https://temporal.bank.example'],
  token: { secretEnv: SECRET_VARIABLE, issuer: 'bank', audience: 'c2p' },
};

describe('c2p codec-server does not start', () => {
  test('without a configuration of its own', async () => {
    const { exitCode, stderr } = await refusal(undefined);
    expect(stderr).toContain('codecServer: is missing');
    expect(exitCode).toBe(2);
  });

  test('without the secret of the tokens, nor with a short one, which it does not show', async () => {
    const without = await refusal(settings);
    expect(without.stderr).toContain(
      'codecServer.token.secretEnv: the environment variable that it names is not set',
    );
    expect(without.exitCode).toBe(2);
    const short = await refusal(settings, { [SECRET_VARIABLE]: 'guessable' });
    expect(short.stderr).toContain('less than 32 bytes');
    expect(short.stderr).not.toContain('guessable');
    expect(short.exitCode).toBe(2);
  });

  test('with a private key that others can read', async () => {
    const tls = { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
    await writeFile(tls.certificate, 'certificate');
    await writeFile(tls.key, 'key');
    await chmod(tls.key, 0o640);
    const { exitCode, stderr } = await refusal({ ...settings, tls }, { [SECRET_VARIABLE]: SECRET });
    expect(stderr).toContain('codecServer.tls.key: others can read it (mode 0640)');
    expect(exitCode).toBe(2);
  });
});
