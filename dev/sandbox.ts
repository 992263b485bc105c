import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KeyRing } from '../protection/key-ring.js';
import { generateSandboxKeys, type SandboxKeyPaths, type SimulatorCredentials } from '../simulator/index.js';

/** The program that a sandbox has. Its ids are the examples of Mastercard's documentation or invented. */
const PROGRAM = {
  srcClientId: '5e0d4b84-189d-4c86-822d-590602f62062',
  serviceId: 'SRC',
  consumerKey: 'c2pSandboxClient!c2pSandboxKey',
};

/** A folder with everything that a worker and the simulator need: keys, key ring, configuration. */
export interface Sandbox {
  folder: string;
  configPath: string;
  keys: SandboxKeyPaths;
  /** What the simulator knows the program by. */
  credentials: SimulatorCredentials;
}

export interface SandboxOptions {
  /** Of the simulator. */
  baseUrl: string;
  taskQueue?: string | undefined;
  /** Where portfolios may be. */
  bulkFolder?: string | undefined;
  /** Whether what goes through Temporal is encrypted (default), or can be read in its Web UI. */
  codec?: boolean | undefined;
}

/** Makes the keys and the key ring that the folder lacks; what is there stays, so that its batches stay readable. */
export async function prepareSandboxKeys(folder: string): Promise<Omit<Sandbox, 'configPath'>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const keys = await generateSandboxKeys(join(folder, 'keys'));
  const dataKeys = dataKeysPath(folder);
  if (!existsSync(dataKeys))
    await writeFile(dataKeys, JSON.stringify(KeyRing.generate(), null, 2), { mode: 0o600 });
  const credentials = {
    ...PROGRAM,
    signingPublicKey: await readFile(keys.signingPublicKey, 'utf8'),
    decryptionPrivateKey: await readFile(keys.decryptionKey, 'utf8'),
  };
  return { folder, keys, credentials };
}

/**
 * Gives the sandbox another encryption key in the place of the one that it has.
 * @returns the simulator's part of it, to be passed to the simulator (`rekey`).
 */
export async function renewEncryptionKey({ keys }: Pick<Sandbox, 'keys'>): Promise<string> {
  await Promise.all([rm(keys.decryptionKey), rm(keys.encryptionCertificate)]);
  await generateSandboxKeys(dirname(keys.decryptionKey));
  return readFile(keys.decryptionKey, 'utf8');
}

/**
 * Writes the sandbox's `c2p.config.json`: one program, `demo`, at the simulator, polling every few
 * seconds where a real program polls every few minutes.
 */
export async function writeSandboxConfig(
  { folder, keys, credentials }: Omit<Sandbox, 'configPath'>,
  { baseUrl, taskQueue = 'c2p', bulkFolder, codec = true }: SandboxOptions,
): Promise<Sandbox> {
  const configPath = join(folder, 'c2p.config.json');
  const config = {
    programs: {
      demo: {
        baseUrl,
        ...PROGRAM,
        signingKey: { path: keys.signingKey },
        encryptionKey: { path: keys.encryptionCertificate },
        policy: { polling: { initial: '2s', maximum: '10s' }, submission: { initial: '1s' } },
      },
    },
    store: { kind: 'filesystem', path: 'data' },
    dataKeys: { path: dataKeysPath(folder) },
    ...(bulkFolder === undefined ? {} : { bulk: { folder: bulkFolder } }),
    taskQueue,
    codec,
  };
  await writeFile(configPath, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  return { folder, configPath, keys, credentials };
}

function dataKeysPath(folder: string): string {
  return join(folder, 'keys', 'data-keys.json');
}
