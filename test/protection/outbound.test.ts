import { once } from 'node:events';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { request } from 'undici';
import { dispatcherTo, type OutboundTls } from '../../protection/outbound.js';
import { authority, certificate, KeyFolder, pem, rsaKeyPair } from '../mastercard/key-files.js';
import { ConnectProxy, type ConnectProxyOptions } from '../support/connect-proxy.js';

const HOST = 'api.mastercard.test';
const own = rsaKeyPair();
const bank = rsaKeyPair();
const CA = authority(bank);
const key = pem(own.privateKey, 'pkcs8');
const SERVER = { key, cert: certificate(own, { issuer: bank, hosts: [HOST, '127.0.0.1'] }) };
const IDENTITY = { certificate: certificate(own, { issuer: bank, usage: 'digitalSignature' }), key };

let server: Server;
let proxy: ConnectProxy;
/** Who asked the server, of each request. */
let clients: (string | undefined)[];

beforeEach(() => {
  clients = [];
  vi.spyOn(process, 'emitWarning').mockReturnValue();
  // Nothing here may depend on it.
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  server?.closeAllConnections();
  server?.close();
  await proxy?.close();
});

async function serve(options: ServerOptions = SERVER): Promise<number> {
  server = createServer(options, (request, response) => {
    clients.push((request.socket as TLSSocket).getPeerCertificate()?.fingerprint256);
    response.end('it answers');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function proxied(options?: ConnectProxyOptions): Promise<void> {
  proxy = await ConnectProxy.start(options);
  vi.stubEnv('HTTPS_PROXY', proxy.url);
}

async function get(url: string, tls?: OutboundTls): Promise<string> {
  const dispatcher = dispatcherTo(url, { tls });
  try {
    const { body } = await request(url, { dispatcher });
    return await body.text();
  } finally {
    await dispatcher.destroy();
  }
}

describe('directly', () => {
  test('a server is reached whose authority is added, and one of nobody is not', async () => {
    const url = `https://127.0.0.1:${await serve()}`;
    expect(await get(url, { ca: CA })).toBe('it answers');
    await expect(get(url)).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    await expect(get(url, { ca: authority(own) })).rejects.toMatchObject({ code: /UNABLE_TO|SIGNATURE/ });
  });

  test('a server that asks for mutual TLS sees the certificate, and refuses who has none', async () => {
    const port = await serve({ ...SERVER, requestCert: true, ca: CA });
    const url = `https://127.0.0.1:${port}`;
    await expect(get(url, { ca: CA })).rejects.toThrow();
    expect(await get(url, { ca: CA, identity: IDENTITY })).toBe('it answers');
    expect(clients).toHaveLength(1);
  });

  test('this machine is reached, whatever proxy there is', async () => {
    await proxied();
    expect(await get(`https://127.0.0.1:${await serve()}`, { ca: CA })).toBe('it answers');
    expect(proxy.asked).toEqual([]);
  });
});

describe('by a proxy', () => {
  test('a server is reached by its name, which nobody but the proxy looks up', async () => {
    await proxied();
    const port = await serve();
    expect(await get(`https://${HOST}:${port}`, { ca: CA })).toBe('it answers');
    expect(proxy.asked).toEqual([`${HOST}:${port}`]);
  });

  test('a server is verified as without one', async () => {
    await proxied();
    const port = await serve();
    await expect(get(`https://${HOST}:${port}`)).rejects.toMatchObject({
      code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    });
    await expect(get(`https://other.mastercard.test:${port}`, { ca: CA })).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(clients).toEqual([]);
    expect(proxy.asked).toHaveLength(2);
  });

  test('a host in NO_PROXY is not asked for there', async () => {
    await proxied();
    vi.stubEnv('NO_PROXY', HOST);
    await expect(get(`https://${HOST}:1`)).rejects.toMatchObject({ code: 'ENOTFOUND' });
    expect(proxy.asked).toEqual([]);
  });

  test('that wants a user and a password gets those of its URL', async () => {
    proxy = await ConnectProxy.start({
      authorization: `Basic ${Buffer.from('user:p@ss/wörd').toString('base64')}`,
    });
    const url = `https://${HOST}:${await serve()}`;
    vi.stubEnv('HTTPS_PROXY', `http://user:p%40ss%2Fw%C3%B6rd@127.0.0.1:${proxy.port}`);
    expect(await get(url, { ca: CA })).toBe('it answers');
    vi.stubEnv('HTTPS_PROXY', `http://user:SECRET@127.0.0.1:${proxy.port}`);
    const refused = await get(url, { ca: CA }).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'PROXY_407',
      message: `the proxy 127.0.0.1:${proxy.port} makes no connection (PROXY_407)`,
    });
    expect(String((refused as Error).stack)).not.toContain('SECRET');
  });

  test.each<[string, string, NonNullable<ConnectProxy['instead']>]>([
    ['refuses', 'PROXY_403', (_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')],
    ['answers what is no HTTP', 'PROXY_HTTPParserError', (_, socket) => socket.end('SSH-2.0-x\r\n')],
    ['breaks off', 'PROXY_UND_ERR_SOCKET', (_, socket) => socket.end()],
    ['resets', 'PROXY_ECONNRESET', (_, socket) => socket.resetAndDestroy()],
    ['never answers', 'PROXY_UND_ERR_HEADERS_TIMEOUT', () => undefined],
  ])('that %s is an error, after one attempt: %s', async (_, code, instead) => {
    await proxied();
    proxy.instead = instead;
    await expect(get(`https://${HOST}:443`)).rejects.toMatchObject({ code });
    expect(proxy.asked).toEqual([`${HOST}:443`]);
  });

  test('that nobody listens for is an error', async () => {
    vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:9');
    await expect(get(`https://${HOST}`)).rejects.toMatchObject({ code: 'PROXY_ECONNREFUSED' });
  });
});

describe('by a proxy over TLS', () => {
  test('a server is reached, and sees the certificate that the proxy does not get to see', async () => {
    const seen: unknown[] = [];
    await proxied({ tls: { ...SERVER, requestCert: true, rejectUnauthorized: false } });
    proxy.onConnection = (socket) => seen.push(socket.getPeerCertificate());
    const port = await serve({ ...SERVER, requestCert: true, ca: CA });
    expect(await get(`https://${HOST}:${port}`, { ca: CA, identity: IDENTITY })).toBe('it answers');
    expect(proxy.asked).toEqual([`${HOST}:${port}`]);
    expect(clients).toHaveLength(1);
    expect(seen).toEqual([{}]);
  });

  test('nothing is asked of one whose certificate is nobody’s, or is for another name', async () => {
    await proxied({ tls: SERVER });
    await expect(get(`https://${HOST}`)).rejects.toMatchObject({
      code: 'PROXY_UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    });
    vi.stubEnv('HTTPS_PROXY', `https://localhost:${proxy.port}`);
    await expect(get(`https://${HOST}`, { ca: CA })).rejects.toMatchObject({
      code: 'PROXY_ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(proxy.asked).toEqual([]);
  });
});

test('an authority is added to those of the system and of NODE_EXTRA_CA_CERTS, which stay', async () => {
  const other = rsaKeyPair();
  const files = new KeyFolder();
  const signedBy = (issuer: typeof other) =>
    serve({ key, cert: certificate(own, { issuer, hosts: ['127.0.0.1'] }) });
  const first = await signedBy(bank);
  const firstServer = server;
  const second = await signedBy(other);
  // A process of its own: Node reads the variable when it starts.
  const program = `
    const { dispatcherTo } = await import(${JSON.stringify(built('protection/outbound.js'))});
    const { request } = await import('undici');
    for (const port of [${first}, ${second}]) {
      const url = 'https://127.0.0.1:' + port;
      const dispatcher = dispatcherTo(url, { tls: { ca: ${JSON.stringify(CA)} } });
      console.log((await request(url, { dispatcher })).statusCode);
      await dispatcher.destroy();
    }`;
  const { stdout } = await execa(process.execPath, ['--input-type=module', '-e', program], {
    env: { NODE_EXTRA_CA_CERTS: files.write('other.pem', authority(other)) },
    cwd: dirname(fileURLToPath(import.meta.url)),
  });
  expect(stdout).toBe('200\n200');
  firstServer.closeAllConnections();
  firstServer.close();
  files.remove();
});

function built(module: string): string {
  return new URL(`../../dist/${module}`, import.meta.url).href;
}
