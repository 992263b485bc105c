import { createPublicKey, type KeyObject } from 'node:crypto';
import type { SigningKeyConfig } from '../config/config.js';
import { KeyError, keyFingerprint, loadSigningIdentity } from '../mastercard/keys.js';
import { checkCertificate, describeKey, NO_CERTIFICATE } from './certificate.js';
import { findings, type Finding } from './finding.js';

/** Whether the key that signs requests can be read and used, and its certificate. */
export async function checkSigningKey(
  program: string,
  source: SigningKeyConfig,
  env: NodeJS.ProcessEnv,
  now: Date,
): Promise<{ key?: KeyObject; findings: Finding[] }> {
  const { ok, failed } = findings('signing-key', program);
  try {
    const { key, certificate } = await loadSigningIdentity(source, env);
    const publicKey = createPublicKey(key);
    const found = `${describeKey(publicKey)}, fingerprint ${keyFingerprint(publicKey)}`;
    if (!certificate) return { key, findings: [ok(`${found}; ${NO_CERTIFICATE}`)] };
    const purpose = { usage: 'digitalSignature', privateKey: key, now } as const;
    return {
      key,
      findings: [ok(found), checkCertificate('signing-certificate', program, certificate, purpose)],
    };
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    if (error.code === 'KEY_PASSWORD_MISSING') {
      // Without the name: who mistakes the field writes the password there.
      const found = 'the environment variable that signingKey.passwordEnv names is not set';
      return { findings: [failed(found, 'set it to the password of signingKey.path')] };
    }
    return { findings: [failed(error.message, 'see programs.*.signingKey of the configuration')] };
  }
}
