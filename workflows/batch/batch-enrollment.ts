import { allHandlersFinished, CancellationScope, condition } from '@temporalio/workflow';
import type { BatchResult } from '../../enrollment/batch.js';
import { ended } from '../ended.js';
import { Batch } from './batch.js';
import { cancelAsked, heedCancellation } from './conclusion.js';
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
  const run = CancellationScope.current();
  run.cancelRequested.catch(() => batch.become(cancelAsked(batch.state)));

  return CancellationScope.nonCancellable(async () => {
    while (batch.state.stage.name !== 'closed') {
      batch.become(heedCancellation(batch.state));
      await step(batch);
    }

    const { result } = batch.in('closed').stage;
    batch.publish();
    await report(batch.state, result);
    await condition(allHandlersFinished);
    return ended(result, run);
  });
}
