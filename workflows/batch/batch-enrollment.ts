import { allHandlersFinished, CancellationScope, condition } from '@temporalio/workflow';
import type { BatchResult } from '../../enrollment/batch.js';
import { onStore } from '../activities.js';
import { ended } from '../failures.js';
import { Batch } from './batch.js';
import { cancelled, heedCancellation } from './conclusion.js';
import { acceptMessages } from './handlers.js';
import { begin } from './intake.js';
import type { BatchInput } from './input.js';
import { report } from './report.js';
import { step } from './steps.js';

/**
 * Enrolls one batch of cards into Click to Pay: validate, encrypt, submit, poll until terminal, close.
 *
 * It completes when every card has a known outcome, fails with a typed `ApplicationFailure` (`FailureType`) when an
 * operator must act, and is cancelled when asked to be. On each of these ways the outcomes are complete in the store
 * and the cardholder data is erased.
 *
 * The batch is a state that moves from stage to stage (`state.ts`). A step does the work of its stage (`steps.ts`);
 * which stage follows is decided by pure functions of the state (`validation.ts`, `submission.ts`, `polling.ts`,
 * `operator.ts`, `removal.ts`, `conclusion.ts`).
 */
export async function batchEnrollment(input: BatchInput): Promise<BatchResult> {
  const batch = new Batch(await begin(input));
  acceptMessages(batch);
  batch.publish();
  CancellationScope.current().cancelRequested.catch(() => batch.become(cancelled(batch.state)));

  return CancellationScope.nonCancellable(async () => {
    // Temporal does not tell a new run that the one before was cancelled, and would not show it as cancelled.
    if (batch.state.isCancelled)
      await onStore({ summary: 'the batch was cancelled before this run began' }).cancelThisRun({});

    while (batch.state.stage.name !== 'closed') {
      batch.become(heedCancellation(batch.state));
      await step(batch);
    }

    const { result } = batch.in('closed').stage;
    batch.publish();
    await report(batch.state, result);
    await condition(allHandlersFinished);
    return ended(result);
  });
}
