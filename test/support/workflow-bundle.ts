import { bundleWorkflowCode, DefaultLogger, type BundleOptions } from '@temporalio/worker';
import { inject } from 'vitest';
import { bundleSources } from '../../worker/workflow-bundle.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of the workflows' bundle, made from the sources once for all test files. */
    workflowBundle: string;
  }
}

/** The bundle of the workflows as they are in the sources. */
export function testBundle(): { codePath: string } {
  return { codePath: inject('workflowBundle') };
}

/** Bundles the workflows anew; it takes seconds. */
export function bundleWorkflows(options: Pick<BundleOptions, 'workflowInterceptorModules'> = {}) {
  const sources = bundleSources();
  const { workflowInterceptorModules = [] } = options;
  return bundleWorkflowCode({
    ...sources,
    workflowInterceptorModules: [...sources.workflowInterceptorModules!, ...workflowInterceptorModules],
    logger: new DefaultLogger('ERROR'),
  });
}
