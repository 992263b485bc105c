import { chromium, type Browser } from 'playwright-core';
import which from 'which';

/** What distributions and vendors call it. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** A browser that talks to nobody but the pages it is shown. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Starts a headless Chromium: that of `C2P_CHROMIUM`, one on the PATH, or the one that comes as an npm
 * package for machines that have none.
 */
export async function launchChromium(env: NodeJS.ProcessEnv = process.env): Promise<Browser> {
  return chromium.launch({ args: ARGUMENTS, ...(await findChromium(env)) });
}

async function findChromium(
  env: NodeJS.ProcessEnv,
): Promise<{ executablePath: string; env?: Record<string, string> }> {
  const named = env['C2P_CHROMIUM'];
  if (named) return { executablePath: named };
  for (const name of NAMES) {
    const executablePath = await which(name, { nothrow: true });
    if (executablePath) return { executablePath };
  }
  return unpackedChromium(env);
}

/** The package brings the libraries that a bare machine lacks, but unpacks them only where it believes to be at AWS. */
async function unpackedChromium(
  env: NodeJS.ProcessEnv,
): Promise<{ executablePath: string; env: Record<string, string> }> {
  const before = { ...process.env };
  try {
    process.env['CODEBUILD_BUILD_IMAGE'] = 'nodejs20';
    const { default: npmChromium } = await import('@sparticuz/chromium');
    const executablePath = await npmChromium.executablePath();
    const { LD_LIBRARY_PATH = '' } = process.env;
    return { executablePath, env: { ...(env as Record<string, string>), LD_LIBRARY_PATH } };
  } finally {
    process.env = before;
  }
}
