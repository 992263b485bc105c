import type { TlsConfig } from '../config/config.js';
import { KeyError, loadProgramTls, type ProgramTls } from '../mastercard/keys.js';
import { checkCertificate } from './certificate.js';
import { findings, type Finding } from './finding.js';

/** Whether the files of a program's `tls` can be used, and its certificate. */
export async function checkProgramTls(
  program: string,
  source: TlsConfig,
  env: NodeJS.ProcessEnv,
  now: Date,
): Promise<{ tls?: ProgramTls; findings: Finding[] }> {
  try {
    const tls = await loadProgramTls(source, env);
    const { certificate } = tls;
    if (!certificate) return { tls, findings: [] };
    const purpose = { usage: 'digitalSignature', now } as const;
    return { tls, findings: [checkCertificate('tls-certificate', program, certificate, purpose)] };
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    const { failed } = findings('tls-certificate', program);
    return { findings: [failed(error.message, 'see programs.*.tls of the configuration')] };
  }
}
