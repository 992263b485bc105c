import { stat } from 'node:fs/promises';
import type { AccessTokenConfig, C2pConfig, CodecServerConfig } from '../config/config.js';
import { ConfigError } from '../config/errors.js';
import { MAX_KEY_FILE_BYTES } from '../mastercard/key-material.js';
import { accessTokens, type Authenticate } from '../protection/codec-server/access-tokens.js';
import { createCodecServer, type CodecServer } from '../protection/codec-server/codec-server.js';
import { openKeyRing } from '../protection/live-key-ring.js';
import { createLogger } from '../protection/logger.js';
import { EncryptingPayloadCodec } from '../protection/payload-codec.js';
import { readableByOthers } from '../protection/private-file.js';
import { readChosen } from '../protection/regular-file.js';

/**
 * Starts the codec server that the configuration's `codecServer` describes.
 * @throws ConfigError, KeyRingError, WeakSecretError; what listening throws.
 */
export async function startCodecServer(config: C2pConfig, env = process.env): Promise<CodecServer> {
  const { codecServer } = config;
  if (!codecServer)
    throw problem(config, 'codecServer', 'is missing: docs/codec-server.md says what it needs');
  const { token, tls, ...rest } = codecServer;
  const logger = createLogger({ name: 'c2p-codec-server', level: 'info' });
  const keyRing = await openKeyRing(config.dataKeys, {
    onProblem: (err) => logger.warn({ err }, 'the key ring cannot be read; going on with the one at hand'),
  });
  return createCodecServer({
    ...rest,
    tls: tls && (await readTls(config, tls)),
    // The Web UI asks for payloads in clear, too: those of other programs.
    codec: new EncryptingPayloadCodec(keyRing, { encrypts: false }),
    authenticate: authentication(config, token, env),
    audit: logger,
  });
}

function authentication(
  config: C2pConfig,
  { key, ...claims }: AccessTokenConfig,
  env: NodeJS.ProcessEnv,
): Authenticate {
  if ('jwksUrl' in key) return accessTokens({ key, ...claims });
  const secret = env[key.secretEnv];
  // Without the name: who mistakes the field writes the secret there.
  if (!secret)
    throw problem(config, 'codecServer.token.secretEnv', 'the environment variable that it names is not set');
  return accessTokens({ key: { secret }, ...claims });
}

async function readTls(
  config: C2pConfig,
  { certificate, key }: NonNullable<CodecServerConfig['tls']>,
): Promise<{ certificate: string; key: string }> {
  const read = (field: string, path: string) =>
    readChosen(path, MAX_KEY_FILE_BYTES).then(String, (error: NodeJS.ErrnoException) => {
      throw problem(config, field, `the file cannot be read (${error.code ?? 'unknown error'}): ${path}`);
    });
  const pem = {
    certificate: await read('codecServer.tls.certificate', certificate),
    key: await read('codecServer.tls.key', key),
  };
  const exposed = readableByOthers(await stat(key), key);
  if (exposed !== undefined) throw problem(config, 'codecServer.tls.key', exposed);
  return pem;
}

function problem(config: C2pConfig, path: string, message: string): ConfigError {
  return new ConfigError(config.path, [{ path, message }]);
}
