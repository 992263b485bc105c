import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findOrInstallTemporalCli } from '../../dev/temporal-cli.js';
import { findOrInstallTestServer } from '../../dev/test-server.js';
import { offerTemporal } from './shared-temporal.js';
import { bundleWorkflows } from './workflow-bundle.js';

/**
 * Runs once, before all tests. On a fresh machine it installs the two Temporal servers, which takes minutes
 * that no test should have to wait for; where that fails, the tests that need them say so. It also bundles
 * the workflows once for all files, and offers a Temporal server that they share.
 */
export default async function provide(project: TestProject): Promise<() => Promise<void>> {
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
  // Whatever tests leave behind goes with it. Others may pass through: a database may run as another user.
  const folder = await mkdtemp(join(tmpdir(), 'c2p-tests-'));
  await chmod(folder, 0o711);
  process.env['TMPDIR'] = folder;
  const path = join(folder, 'workflow-bundle.js');
  await writeFile(path, (await bundleWorkflows()).code);
  project.provide('workflowBundle', path);
  const stopTemporal = await offerTemporal(project);
  return async () => {
    await stopTemporal();
    await rm(folder, { recursive: true, force: true });
  };
}
