import { X509Certificate, createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import forge from 'node-forge';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  SANDBOX_KEY_ALIAS,
  SANDBOX_KEY_PASSWORD,
  SimulatorOptionsError,
  createSimulator,
  generateSandboxKeys,
} from '../../simulator/index.js';

let parent: string;
let folder: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'sandbox-keys-'));
  folder = join(parent, 'keys');
});
afterEach(() => rm(parent, { recursive: true }));

const spki = (pem: string | Buffer) =>
  createPublicKey(pem).export({ type: 'spki', format: 'pem' }).toString();

describe('sandbox keys', () => {
  it('belong together: PEM, PKCS#12 and public key; certificate and private key', async () => {
    const paths = await generateSandboxKeys(folder);
    const signingKey = await readFile(paths.signingKey, 'utf8');
    expect(await readFile(paths.signingPublicKey, 'utf8')).toBe(spki(signingKey));

    const asn1 = forge.asn1.fromDer((await readFile(paths.signingPkcs12)).toString('binary'));
    const bags = forge.pkcs12.pkcs12FromAsn1(asn1, SANDBOX_KEY_PASSWORD).getBags({
      friendlyName: SANDBOX_KEY_ALIAS,
      bagType: forge.pki.oids.pkcs8ShroudedKeyBag,
    });
    const key = bags.friendlyName?.[0]?.key as forge.pki.rsa.PrivateKey;
    expect(spki(forge.pki.privateKeyToPem(key))).toBe(spki(signingKey));

    const certificate = new X509Certificate(await readFile(paths.encryptionCertificate));
    expect(certificate.checkPrivateKey(createPrivateKey(await readFile(paths.decryptionKey)))).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  });

  it('are readable by their owner only', async () => {
    const paths = await generateSandboxKeys(folder);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const path of Object.values(paths) as string[]) expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('are kept when they exist, and what is missing is derived from them', async () => {
    const paths = await generateSandboxKeys(folder);
    const before = await Promise.all((Object.values(paths) as string[]).map((path) => readFile(path)));
    await rm(paths.signingPublicKey);
    expect(await generateSandboxKeys(folder)).toEqual(paths);
    const after = await Promise.all((Object.values(paths) as string[]).map((path) => readFile(path)));
    expect(after).toEqual(before);
  });

  it('are the same for everybody who makes them at the same time', async () => {
    await Promise.all([1, 2, 3].map(() => generateSandboxKeys(folder)));
    const paths = await generateSandboxKeys(folder);
    expect(await readFile(paths.signingPublicKey, 'utf8')).toBe(spki(await readFile(paths.signingKey)));
    expect((await readdir(folder)).sort()).toEqual([
      'mastercard-private.pem',
      'mastercard.pem',
      'signing-public.pem',
      'signing.p12',
      'signing.pem',
    ]);
  });
});

describe('createSimulator', () => {
  it('names the credential whose key it cannot read, without quoting it', async () => {
    const paths = await generateSandboxKeys(folder);
    const started = createSimulator({
      credentials: [
        {
          srcClientId: 'x',
          serviceId: 'x',
          consumerKey: 'x!x',
          signingPublicKey: 'secret text that is no key',
          decryptionPrivateKey: await readFile(paths.decryptionKey, 'utf8'),
        },
      ],
    });
    await expect(started).rejects.toThrow(SimulatorOptionsError);
    await expect(started).rejects.toThrow(
      'credentials[0].signingPublicKey: not a key in PEM; give the text of the file, not its path',
    );
  });

  it('listens on loopback unless told otherwise', async () => {
    const simulator = await createSimulator({ credentials: [] });
    try {
      expect(simulator.baseUrl).toBe(`http://127.0.0.1:${simulator.port}/src/api/digital/payments`);
      const health = await fetch(`${simulator.controlUrl}/health`);
      expect(await health.json()).toEqual({ status: 'ok' });
    } finally {
      await simulator.close();
    }
  });
});
