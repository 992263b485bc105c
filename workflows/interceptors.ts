import { log, workflowInfo, type WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { refusalAmong, type PayloadRefusal } from '../protection/refused-payload.js';
import { inputRefused } from './failures.js';
import { refused } from './message.js';
import { countRefusal } from './refusals.js';

/**
 * Keeps out what nobody with the deployment's key ring wrote: who can write to Temporal, and has no key, starts nothing,
 * sends nothing and changes nothing. Nothing here may throw but as Temporal's API has it: Temporal would repeat the
 * workflow task for ever.
 */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  inbound: [
    {
      async execute(input, next) {
        const problem = startProblem(input.args);
        if (problem !== undefined) {
          log.warn('refused a start', { problem });
          throw inputRefused(problem);
        }
        return next(input);
      },
      async handleSignal(input, next) {
        if (refusalOf('a signal', input.signalName, input.args) === undefined) return next(input);
      },
      validateUpdate(input, next) {
        const refusal = refusalOf('an update', input.name, input.args);
        if (refusal === undefined) return next(input);
        throw refused(`the update was not written with the key ring (${refusal})`);
      },
    },
  ],
});

/** Why a message is refused, which is logged and shown; nothing for one that may be handled. */
function refusalOf(what: string, name: string, args: readonly unknown[]): PayloadRefusal | undefined {
  const refusal = refusalAmong(args);
  if (refusal === undefined) return undefined;
  log.warn(`refused ${what} that was not written with the key ring`, { name, refusal });
  countRefusal();
  return refusal;
}

/** Why this execution cannot have been started by c2p: a sentence without values. */
function startProblem(args: readonly unknown[]): string | undefined {
  const { cronSchedule, retryPolicy } = workflowInfo();
  if (cronSchedule)
    return 'a workflow with a cron schedule is refused: it would be one batch again and again';
  if (retryPolicy) return 'a workflow with a retry policy is refused: it would be one batch again and again';
  const refusal = refusalAmong(args);
  if (refusal === undefined) return undefined;
  return `the input was not written with the key ring of the workers (${refusal}): copy the key ring from a worker`;
}
