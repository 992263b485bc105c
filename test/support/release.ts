import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { FAILURE_CONVERTER_PATH } from '../../protection/data-converter.js';

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/**
 * Installs the built package as another release of it and returns the path of its command.
 * @param version what its package.json says
 * @param workflows entry of the bundle that it runs instead of the built one
 */
export async function installRelease(folder: string, version: string, workflows?: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await cp(root('dist'), join(folder, 'dist'), { recursive: true });
  await symlink(root('node_modules'), join(folder, 'node_modules'));
  const manifest = JSON.parse(await readFile(root('package.json'), 'utf8')) as object;
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...manifest, version }));
  if (workflows !== undefined) {
    const { code } = await bundleWorkflowCode({
      workflowsPath: workflows,
      failureConverterPath: FAILURE_CONVERTER_PATH,
      logger: new DefaultLogger('WARN'),
    });
    await writeFile(join(folder, 'dist', 'workflow-bundle.js'), code);
  }
  return join(folder, 'dist', 'cli', 'main.js');
}
