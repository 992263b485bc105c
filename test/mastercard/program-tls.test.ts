import { createPrivateKey, createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import { createHttpGateway } from '../../mastercard/http-gateway.js';
import { fetchKeySet } from '../../mastercard/key-set.js';
import { KeyError, loadProgramTls, type ProgramTls, type ProgramTlsSource } from '../../mastercard/keys.js';
import { authority, certificate, KeyFolder, pem, rsaKeyPair } from './key-files.js';

const folder = new KeyFolder();
afterAll(() => folder.remove());

const own = rsaKeyPair();
const bank = rsaKeyPair();
const other = rsaKeyPair();
const CA = authority(bank);
const LEAF = certificate(own, { issuer: bank });
const key = (password?: string) =>
  own.privateKey
    .export({
      type: 'pkcs8',
      format: 'pem',
      ...(password === undefined ? {} : { cipher: 'aes-256-cbc', passphrase: password }),
    })
    .toString();

const ca = folder.write('bank.pem', CA);
const files = {
  certificate: folder.write('client.pem', LEAF),
  key: folder.write('client.key', key()),
};
const encrypted = {
  ...files,
  key: folder.write('encrypted.key', key('Schlüssel1')),
  passwordEnv: 'PASSWORD',
};

async function failure(source: ProgramTlsSource, env: NodeJS.ProcessEnv = {}): Promise<KeyError> {
  const error: unknown = await loadProgramTls(source, env).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(KeyError);
  expect((error as Error).message).not.toMatch(/SECRET|BEGIN/);
  return error as KeyError;
}

describe('the files of tls', () => {
  test('are nothing, an authority, or a certificate with its key', async () => {
    expect(await loadProgramTls({}, {})).toEqual({ ca: undefined });
    expect((await loadProgramTls({ ca }, {})).ca).toBe(CA.trim());
    const { identity, certificate: leaf } = await loadProgramTls({ identity: files }, {});
    expect(identity?.certificate).toBe(LEAF.trim());
    expect(createPublicKey(createPrivateKey(identity!.key)).equals(own.publicKey)).toBe(true);
    expect(leaf?.checkIssued(leaf)).toBe(false);
    expect(() => createSecureContext({ cert: identity!.certificate, key: identity!.key })).not.toThrow();
  });

  test('may have several certificates, text between them, a byte order mark and Windows line ends', async () => {
    const bundle = folder.write(
      'bundle.pem',
      `\uFEFFFirst\n${CA}Second\n${authority(other)}`.replaceAll('\n', '\r\n'),
    );
    expect((await loadProgramTls({ ca: bundle }, {})).ca!.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    const chain = folder.write('chain.pem', `${LEAF}${CA}`);
    const { identity } = await loadProgramTls({ identity: { ...files, certificate: chain } }, {});
    expect(identity!.certificate.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });

  test('may have a key that is encrypted, in which case the password is needed and must be right', async () => {
    const { identity } = await loadProgramTls({ identity: encrypted }, { PASSWORD: 'Schlüssel1' });
    expect(createPublicKey(createPrivateKey(identity!.key)).equals(own.publicKey)).toBe(true);
    expect((await failure({ identity: encrypted }, { PASSWORD: 'SECRET' })).code).toBe('KEY_PASSWORD_WRONG');
    expect((await failure({ identity: encrypted })).code).toBe('KEY_PASSWORD_MISSING');
  });

  test.each<[string, ProgramTlsSource, string]>([
    ['are not there', { ca: '/nowhere/bank.pem' }, 'KEY_FILE_UNREADABLE'],
    ['have no certificate', { ca: folder.write('no.pem', 'SECRET') }, 'KEY_FORMAT_UNKNOWN'],
    [
      'have one among others that cannot be read',
      { ca: folder.write('damaged.pem', `${CA}${CA.replace(/^MII/m, 'MIX')}`) },
      'KEY_FORMAT_UNKNOWN',
    ],
    [
      'have a key for the certificate',
      { identity: { ...files, certificate: files.key } },
      'KEY_FORMAT_UNKNOWN',
    ],
    ['have a certificate for the key', { identity: { ...files, key: ca } }, 'KEY_FORMAT_UNKNOWN'],
    [
      'have the key of another certificate',
      { identity: { ...files, key: folder.write('other.key', pem(other.privateKey, 'pkcs8')) } },
      'KEY_UNSUITABLE',
    ],
    [
      "have the authority's certificate in front of the client's",
      { identity: { ...files, certificate: folder.write('ca-first.pem', `${CA}${LEAF}`) } },
      'KEY_UNSUITABLE',
    ],
  ])('are refused that %s', async (_, source, code) => {
    const error = await failure(source);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^\/\S+: /);
  });
});

describe('a server that asks for mutual TLS', () => {
  let server: Server;
  let url: string;
  let requests = 0;
  beforeAll(async () => {
    const cert = certificate(own, { issuer: bank, hosts: ['127.0.0.1'] });
    server = createServer({ key: key(), cert, ca: CA, requestCert: true }, (_, response) => {
      requests += 1;
      const body = { keys: [], batchId: 'mc-1', externalBatchId: 'b-1', batchStatus: 'IN_PROGRESS' };
      response.end(JSON.stringify(body));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => void (requests = 0));
  afterAll(() => void server.close());

  const calls: [string, (tls: ProgramTls) => Promise<unknown>][] = [
    [
      'calls',
      async (tls) => {
        const gateway = createHttpGateway({
          api: batchEnroll,
          baseUrl: url,
          srcClientId: '5e0d4b84-189d-4c86-822d-590602f62062',
          serviceId: 'SRC',
          consumerKey: 'clientId!keyId',
          signingKey: own.privateKey,
          tls,
        });
        const correlationId = '6f0a1c1e-8d1b-4a5e-9a43-1d7a4d0f4a11';
        return gateway.fetchBatchStatus({ batchId: 'mc-1', correlationId }).finally(() => gateway.close());
      },
    ],
    ['key sets', (tls) => fetchKeySet(`${url}/keys`, tls)],
  ];

  test.each(calls)(
    'is reached for %s by who has a certificate, and trusts its authority',
    async (_, call) => {
      await expect(call(await loadProgramTls({ ca, identity: files }, {}))).resolves.toBeDefined();
      expect(requests).toBe(1);
      await expect(call(await loadProgramTls({ ca }, {}))).rejects.toThrow();
      await expect(call(await loadProgramTls({ identity: files }, {}))).rejects.toThrow();
      expect(requests).toBe(1);
    },
  );
});
