import { generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { vi } from 'vitest';
import forge from 'node-forge';
import { cliPath } from '../../dev/dev-environment.js';
import { freePort } from '../../dev/free-port.js';
import { startServerProcess, type ServerProcess } from '../../dev/server-process.js';
import type { RealSite } from './real-environment.js';

export interface CodecServerProcess extends ServerProcess {
  url: string;
  logFile: string;
}

/**
 * Starts `c2p codec-server` on the site's key ring and resolves when it is ready.
 * @param settings of `codecServer` in the configuration, besides its port and, where it speaks https, its certificate
 */
export async function startCodecServerProcess(
  { folder, configPath }: RealSite,
  settings: object,
  scheme: 'http' | 'https' = 'https',
): Promise<CodecServerProcess> {
  const port = await freePort();
  const file = (name: string) => join(folder, `codec-server.${name}`);
  const { certificate, key } = selfSigned();
  await writeFile(file('crt'), certificate);
  await writeFile(file('key'), key, { mode: 0o600 });
  const config = JSON.parse(await readFile(configPath, 'utf8')) as object;
  const tls = scheme === 'https' ? { certificate: file('crt'), key: file('key') } : undefined;
  await writeFile(file('json'), JSON.stringify({ ...config, codecServer: { port, tls, ...settings } }));

  const logFile = file('log');
  const server = await startServerProcess(process.execPath, [cliPath(), 'codec-server'], {
    env: { ...process.env, C2P_CONFIG: file('json') },
    logFile,
  });
  let ended: string | undefined;
  void server.ended.then((how) => (ended = how));
  const ready = await vi.waitUntil(
    async () => ended ?? (await readFile(logFile, 'utf8')).includes('ready on'),
    {
      timeout: 30_000,
    },
  );
  if (ready !== true) throw new Error(`the codec server ended (${ready}):\n${await server.logTail()}`);
  return { ...server, url: `${scheme}://127.0.0.1:${port}`, logFile };
}

function selfSigned(): { certificate: string; key: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = '01';
  certificate.validity.notBefore = new Date(Date.now() - 60_000);
  certificate.validity.notAfter = new Date(Date.now() + 3_600_000);
  const name = [{ name: 'commonName', value: 'c2p codec server' }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }]);
  certificate.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create());
  return { certificate: forge.pki.certificateToPem(certificate), key: privateKey };
}
