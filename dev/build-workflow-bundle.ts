import { rename, writeFile } from 'node:fs/promises';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { bundleSources, WORKFLOW_BUNDLE_PATH } from '../worker/workflow-bundle.js';

/** The last step of the build: bundles the workflows once, so that no worker has to at its start. */
const { code } = await bundleWorkflowCode({ ...bundleSources(), logger: new DefaultLogger('WARN') });
// All at once: a worker may be starting from this very file.
await writeFile(`${WORKFLOW_BUNDLE_PATH}.new`, code);
await rename(`${WORKFLOW_BUNDLE_PATH}.new`, WORKFLOW_BUNDLE_PATH);
