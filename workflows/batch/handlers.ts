import { CancellationScope, condition, setHandler } from '@temporalio/workflow';
import { FailureType } from '../../enrollment/errors.js';
import { accept, acceptSignal, refused, type Message } from '../message.js';
import type { Batch } from './batch.js';
import {
  cancelSignal,
  cancelUpdate,
  closeWithoutUnreadableUpdate,
  decideRemovalUpdate,
  extendDeadlineUpdate,
  goOnUpdate,
  pollNowUpdate,
  progressQuery,
  resolveSubmissionUpdate,
  updatePolicyUpdate,
} from './messages.js';
import {
  cancelledBy,
  closedWithoutUnreadable,
  closeProblem,
  deadlineDecided,
  deadlineProblem,
  goesOn,
  goOnProblem,
  nudged,
  policyChanged,
  policyProblem,
  pollProblem,
  removalDecided,
  removalProblem,
  resolutionProblem,
  resolved,
} from './operator.js';
import { progressOf } from './progress.js';
import type { BatchState } from './state.js';

/** Accepts what operators ask of a batch: each message is a change of its state, or is refused. */
export function acceptMessages(batch: Batch): void {
  const mailbox = () => batch.state;
  const changing =
    <Body>(change: (state: BatchState, message: Message<Body>) => BatchState) =>
    (message: Message<Body>): void =>
      batch.become(change(batch.state, message));

  setHandler(progressQuery, () => progressOf(batch.state));
  accept(resolveSubmissionUpdate, mailbox, {
    problemOf: (body) => resolutionProblem(batch.state, body),
    apply: async (message) => {
      batch.become(resolved(batch.state, message));
      if ('batchId' in message.body) await believed(batch, message.id);
    },
    refusal: FailureType.ResolutionRefused,
  });
  accept(cancelUpdate, mailbox, { problemOf: () => undefined, apply: changing(cancelledBy) });
  acceptSignal(cancelSignal, mailbox, changing(cancelledBy));
  accept(goOnUpdate, mailbox, {
    problemOf: () => goOnProblem(batch.state),
    apply: changing(goesOn),
    refusal: FailureType.ResolutionRefused,
  });
  accept(decideRemovalUpdate, mailbox, {
    problemOf: (body) => removalProblem(batch.state, body),
    apply: changing(removalDecided),
    refusal: FailureType.ResolutionRefused,
  });
  accept(extendDeadlineUpdate, mailbox, {
    problemOf: (body) => deadlineProblem(batch.state, body, Date.now()),
    apply: changing(deadlineDecided),
  });
  accept(updatePolicyUpdate, mailbox, {
    problemOf: (body) => policyProblem(batch.state, body),
    apply: changing(policyChanged),
  });
  accept(pollNowUpdate, mailbox, {
    problemOf: () => pollProblem(batch.state),
    apply: changing(nudged),
  });
  accept(closeWithoutUnreadableUpdate, mailbox, {
    problemOf: () => closeProblem(batch.state),
    apply: changing(closedWithoutUnreadable),
  });
}

/** Resolves when Mastercard's answer confirms an operator's batchId, also where the batch was cancelled. */
async function believed(batch: Batch, messageId: string): Promise<void> {
  await CancellationScope.nonCancellable(() => condition(() => batch.verdicts.has(messageId)));
  const verdict = batch.verdicts.get(messageId) ?? null;
  if (verdict !== null) throw refused(verdict, FailureType.ResolutionRefused);
}
