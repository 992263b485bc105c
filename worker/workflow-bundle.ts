import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type BundleOptions, type WorkerOptions } from '@temporalio/worker';
import { FAILURE_CONVERTER_PATH, PAYLOAD_CONVERTER_PATH } from '../protection/data-converter.js';

/** Where the build leaves the bundle, beside the compiled folders. */
export const WORKFLOW_BUNDLE_PATH = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));

/** The bundle that the build made, so that a worker starts in a second; the sources where there is none. */
export async function workflowSource(): Promise<Pick<WorkerOptions, 'workflowBundle'>> {
  if (existsSync(WORKFLOW_BUNDLE_PATH)) return { workflowBundle: { codePath: WORKFLOW_BUNDLE_PATH } };
  return { workflowBundle: await bundleWorkflowCode(bundleSources()) };
}

/**
 * What every bundle of the workflows is made of: a bundle brings its converters and interceptors with it. Its source map has
 * the lines that stack traces need, and no copy of the sources: a worker loads a third as much.
 */
export function bundleSources(): Pick<
  BundleOptions,
  | 'workflowsPath'
  | 'failureConverterPath'
  | 'payloadConverterPath'
  | 'workflowInterceptorModules'
  | 'webpackConfigHook'
> {
  return {
    workflowsPath: workflowModule('index'),
    failureConverterPath: FAILURE_CONVERTER_PATH,
    payloadConverterPath: PAYLOAD_CONVERTER_PATH,
    workflowInterceptorModules: [workflowModule('interceptors')],
    webpackConfigHook: (config) => ({ ...config, devtool: 'inline-nosources-cheap-module-source-map' }),
  };
}

/** A module in whichever form this file is in: TypeScript in a checkout, JavaScript in a package. */
function workflowModule(name: string): string {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return fileURLToPath(new URL(`../workflows/${name}${extension}`, import.meta.url));
}
