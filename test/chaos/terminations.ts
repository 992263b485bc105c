import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import { execa } from 'execa';
import { findOrInstallTemporalCli } from '../../dev/temporal-cli.js';
import type { RealSite } from '../support/real-environment.js';

const LOOKS_EVERY_MS = 200;

/** Ends a batch's workflow from outside. @returns whether it was still open. */
export async function terminate(site: RealSite, externalBatchId: string): Promise<boolean> {
  return isKnown(site.workflow(externalBatchId).terminate('by mistake'));
}

/**
 * Takes a terminated batch back with the command of the runbook, again where Temporal is away.
 * @throws what the command says, when it is over.
 */
export async function takeBack(site: RealSite, externalBatchId: string, over: AbortSignal): Promise<void> {
  const { path } = await findOrInstallTemporalCli();
  const { address, namespace } = site.environment;
  const { workflowId } = site.workflow(externalBatchId);
  const reset = ['workflow', 'reset', '--workflow-id', workflowId, '--type', 'LastWorkflowTask'];
  const place = ['--address', address, '--namespace', namespace, '--reason', 'terminated by mistake'];
  for (;;) {
    const { exitCode, stderr } = await execa(path, [...reset, ...place], { stdin: 'ignore', reject: false });
    if (exitCode === 0) return;
    if (over.aborted) throw new Error(stderr);
    await delay(LOOKS_EVERY_MS);
  }
}

/** Has Temporal forget a terminated batch, as it does when the retention of the namespace is over. */
export async function forget(site: RealSite, externalBatchId: string): Promise<void> {
  const { workflowService, options } = site.temporal;
  const { namespace } = options;
  const workflow = site.workflow(externalBatchId);
  const { workflowId } = workflow;
  await workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId } });
  while (await isKnown(workflow.describe())) await delay(LOOKS_EVERY_MS);
}

async function isKnown(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
