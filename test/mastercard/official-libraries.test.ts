import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createHttpGateway } from '../../mastercard/http-gateway.js';
import { CONTENT_ENCRYPTIONS, asCompactJwe, encryptEnrollmentData } from '../../mastercard/jwe.js';
import { loadEncryptionKey, loadSigningKey, type SigningKeySource } from '../../mastercard/keys.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import { testRecord, testRecords } from '../support/records.js';
import { KeyFolder, authority, certificate, pem, pkcs12, rsaKeyPair } from './key-files.js';
import { OfficialServer, officialKeyId } from './official-server.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const CORRELATION_ID = '6f0a1c1e-8d1b-4a5e-9a43-1d7a4d0f4a11';
const env = { SIGNING_PASSWORD: 'changeit' };
const folder = new KeyFolder();
const issuer = rsaKeyPair();
const mastercard = rsaKeyPair();
const certificatePath = folder.write('mastercard.pem', certificate(mastercard));

const signingKeys: Array<[string, SigningKeySource]> = [
  [
    'PKCS#12',
    {
      path: folder.write('signing.p12', pkcs12(issuer, env.SIGNING_PASSWORD, 'keyalias')),
      alias: 'keyalias',
      passwordEnv: 'SIGNING_PASSWORD',
    },
  ],
  ['PKCS#8 PEM', { path: folder.write('pkcs8.pem', pem(issuer.privateKey, 'pkcs8')) }],
  ['PKCS#1 PEM', { path: folder.write('pkcs1.pem', pem(issuer.privateKey, 'pkcs1')) }],
];

const HOST = 'api.mastercard.test';
const ca = authority(issuer);
const BEHIND = {
  host: HOST,
  key: pem(mastercard.privateKey, 'pkcs8'),
  cert: certificate(mastercard, { issuer, hosts: [HOST] }),
};

let server: OfficialServer;
let proxy: ConnectProxy | undefined;
let baseUrl: string;

async function start(behind?: typeof BEHIND) {
  server = new OfficialServer({
    consumerKey: 'clientId!keyId',
    verificationKey: issuer.publicKey,
    certificatePath,
    privateKeyPath: folder.write('mastercard.key', pem(mastercard.privateKey, 'pkcs8')),
    ...(behind && { behind }),
  });
  baseUrl = await server.start();
}
afterEach(async () => {
  server.stop();
  await proxy?.close();
  proxy = undefined;
  vi.unstubAllEnvs();
});
afterAll(() => folder.remove());

const ways: [string, () => Promise<void>][] = [
  ['reached directly', () => start()],
  [
    'reached by a proxy that compresses its answers',
    async () => {
      await start(BEHIND);
      proxy = await ConnectProxy.start();
      vi.stubEnv('HTTPS_PROXY', proxy.url);
    },
  ],
];

async function gatewayWith(signingKey: SigningKeySource) {
  return createHttpGateway({
    api: batchEnroll,
    baseUrl,
    srcClientId: '5e0d4b84-189d-4c86-822d-590602f62062',
    serviceId: 'SRC#_-1',
    consumerKey: 'clientId!keyId',
    signingKey: await loadSigningKey(signingKey, env),
    tls: { ca },
  });
}

describe.each(
  ways.flatMap(([way, begin]) => signingKeys.map(([name, key]) => [way, name, begin, key] as const)),
)(
  "a server built of Mastercard's official libraries, %s, and a %s signing key",
  (_way, _name, begin, key) => {
    beforeEach(() => begin());
    afterEach(() => expect(new Set(proxy?.asked)).toEqual(new Set(proxy && [new URL(baseUrl).host])));

    it.each(CONTENT_ENCRYPTIONS)(
      'accepts a batch encrypted with %s, and reads every record of it',
      async (enc) => {
        const enrollments = [...testRecords(20), testRecord(21, 3)];
        const recipient = await loadEncryptionKey({ path: certificatePath });
        const token = await encryptEnrollmentData({ enrollments }, recipient, enc);
        const gateway = await gatewayWith(key);
        const enrollmentData = asCompactJwe(token);
        const receipt = await gateway.submitBatch({
          externalBatchId: 'batch-1',
          enrollmentData,
          correlationId: CORRELATION_ID,
        });
        await gateway.close();
        expect(receipt.batchId).toBe('mc-1');
        expect(server.accepted).toEqual([{ enrollments }]);
      },
    );

    it('accepts a status call with its query', async () => {
      const gateway = await gatewayWith(key);
      const report = await gateway.fetchBatchStatus({ batchId: 'mc-1', correlationId: CORRELATION_ID });
      await gateway.close();
      expect(report.batchStatus).toBe('IN_PROGRESS');
      expect(server.statusCalls).toHaveLength(1);
    });

    it('accepts the deletions, whatever characters the ids have', async () => {
      const gateway = await gatewayWith(key);
      const awkward = "a/b?c#d!!e**f'(g)%20+&=~";
      const call = { correlationId: CORRELATION_ID };
      await gateway.deleteCard({ ...call, srcDigitalCardId: awkward, reason: 'suspectedFraud' });
      await gateway.deleteProfile({ ...call, srcConsumerId: `${awkward} ü` });
      await gateway.close();
      expect(server.deletions).toHaveLength(2);
    });
  },
);

describe("a server built of Mastercard's official libraries", () => {
  beforeEach(() => start());
  let strangerKey: SigningKeySource;
  beforeAll(() => {
    strangerKey = { path: folder.write('stranger.pem', pem(rsaKeyPair().privateKey, 'pkcs8')) };
  });

  it('refuses a call signed with the key of a stranger: the checks above are real', async () => {
    const gateway = await gatewayWith(strangerKey);
    await expect(
      gateway.fetchBatchStatus({ batchId: 'mc-1', correlationId: CORRELATION_ID }),
    ).rejects.toMatchObject({ kind: 'configuration', details: [{ message: 'signature' }] });
    await gateway.close();
    expect(server.statusCalls).toEqual([]);
  });

  it('knows the key by the id that we derive from its certificate', async () => {
    const { kid } = await loadEncryptionKey({ path: certificatePath });
    expect(officialKeyId(certificatePath)).toBe(kid);
  });
});
