import { findOrInstallTemporalCli } from '../../dev/temporal-cli.js';
import { findOrInstallTestServer } from '../../dev/test-server.js';

/**
 * Runs once, before all tests: on a fresh machine it installs the two Temporal servers, which takes
 * minutes that no test should have to wait for. Where that fails, the tests that need them say so.
 */
export default async function provideServers(): Promise<void> {
  // Only what takes time: how each search went is of interest when it failed, and then the error tells it.
  const onProgress = (line: string) => {
    if (line.includes('…')) console.error(line);
  };
  const results = await Promise.allSettled([
    findOrInstallTemporalCli({ onProgress }),
    findOrInstallTestServer({ onProgress }),
  ]);
  for (const result of results) {
    if (result.status === 'rejected') console.error(String(result.reason));
  }
}
