import { CancellationScope, condition, isCancellation, workflowInfo } from '@temporalio/workflow';
import { Blob } from '../../enrollment/blobs.js';
import { FailureType } from '../../enrollment/errors.js';
import type { StatusAnswer, SubmissionAnswer, Unreadable } from '../../activities/index.js';
import { asking, offering as offeringTo, onStore } from '../activities.js';
import { activityProblem, inputRefused } from '../failures.js';
import { waitForChange } from '../waiting.js';
import type { Batch } from './batch.js';
import { closeStore } from './closing.js';
import { defeated, isInterrupted } from './conclusion.js';
import { stillHeldUp, triesAgain, unreadable, untilKeyIsBack } from './held-up.js';
import { asks, checked, moreTimeSettled, needsNoMoreTime } from './operator.js';
import {
  nextRound,
  pollAgain,
  polled,
  pollingDeadline,
  polls,
  untilNextPoll,
  untilNextRound,
} from './polling.js';
import { removeSome } from './removing.js';
import { isIn } from '../staged.js';
import { keyOf, mayBeAtMastercard, type BatchState, type In, type StageName } from './state.js';
import { encrypted, encryptedAfresh, offered, offers, untilNextOffer } from './submission.js';
import { validated } from './validation.js';

/** What a batch does in each stage: one activity or one wait, and then the state says what comes next. */
const STEPS: Record<Exclude<StageName, 'closed'>, (batch: Batch) => Promise<void>> = {
  validating: validate,
  encrypting: encrypt,
  submitting: submit,
  polling: poll,
  asking: ask,
  betweenRounds: waitForRound,
  removing: removeSome,
  heldUp: waitForKey,
  closing: closeStore,
};

/** Takes one step. An activity that cannot do its work ends the batch. */
export async function step(batch: Batch): Promise<void> {
  const { name } = batch.state.stage;
  if (name === 'closed') return;
  try {
    await STEPS[name](batch);
  } catch (error) {
    const { type = FailureType.BatchFailed, message } = activityProblem(error);
    const { state } = batch;
    if (isIn(state, 'closing')) throw error;
    // Another workflow closed the batch: its outcomes stay as they are.
    if (type === FailureType.InputRefused) throw inputRefused(message);
    batch.become(defeated(state, type, message));
  }
}

async function validate(batch: Batch): Promise<void> {
  const { order } = batch.state;
  const { records, recordsDigest, cards } = order;
  const result = await onStore({ summary: `${cards} cards` }).validateBatch({
    batch: keyOf(batch.state),
    chain: workflowInfo().firstExecutionRunId,
    records,
    recordsDigest,
  });
  const state = batch.in('validating');
  batch.become(
    result.kind === 'unreadable' ? unreadable(state, result, Date.now()) : validated(state, result),
  );
}

async function encrypt(batch: Batch): Promise<void> {
  const { round, counts, stage } = batch.in('encrypting');
  const result = await onStore({
    summary: `round ${round.n}, ${counts.pending} cards`,
  }).encryptBatch({
    batch: keyOf(batch.state),
    round: round.n,
    validated: stage.records,
    chain: workflowInfo().firstExecutionRunId,
  });
  const state = batch.in('encrypting');
  batch.become(
    result.kind === 'unreadable'
      ? unreadable(state, result, Date.now())
      : encrypted(state, result.enrollmentData),
  );
}

/**
 * Offers a round to Mastercard once, after the wait that the last offer asks for. Every offer sends the same bytes
 * under the same externalBatchId, so one whose result is unknown can be repeated: a batch never becomes two at
 * Mastercard. Only while every offer was definitely not accepted may other bytes take their place.
 */
async function submit(batch: Batch): Promise<void> {
  if (batch.in('submitting').stage.isForOldKey) return encryptAfresh(batch);
  await batch.waitIn('submitting', untilNextOffer);
  if (!isIn(batch.state, 'submitting') || isInterrupted(batch.state)) return;
  batch.become(offers(batch.state, Date.now()));
  const answer = await offerOnce(batch.in('submitting'));
  const state = batch.in('submitting');
  const now = Date.now();
  batch.become(answer.kind === 'unreadable' ? unreadable(state, answer, now) : offered(state, answer, now));
}

/** One attempt. Only an answer says that Mastercard did not accept it: an attempt that does not report may have been sent. */
async function offerOnce(state: In<'submitting'>): Promise<SubmissionAnswer | Unreadable> {
  const { stage, round, counts } = state;
  const { program } = keyOf(state);
  const summary = `round ${round.n}, attempt ${round.offers}, ${counts.pending} cards`;
  try {
    return await offeringTo(program, { summary }).submitBatch({
      batch: keyOf(state),
      round: round.n,
      enrollmentData: stage.enrollmentData,
      chain: workflowInfo().firstExecutionRunId,
      takeOver: stage.isOperatorsDecision,
      unlessKeyChanged: !mayBeAtMastercard(state) && !stage.isEncryptedAfresh,
    });
  } catch (error) {
    const { message } = activityProblem(error);
    return {
      kind: 'unknown',
      message: `the attempt did not report: ${message}`,
      reason: 'NO_REPORT',
      details: [],
    };
  }
}

/** Encrypts a round to the key that Mastercard has now. */
async function encryptAfresh(batch: Batch): Promise<void> {
  const { round, counts, stage } = batch.in('submitting');
  const result = await onStore({
    summary: `round ${round.n}, ${counts.pending} cards, afresh: Mastercard's key changed`,
  }).encryptBatch({
    batch: keyOf(batch.state),
    round: round.n,
    validated: Blob.validated(round.n),
    chain: workflowInfo().firstExecutionRunId,
    replaces: stage.enrollmentData,
  });
  const state = batch.in('submitting');
  batch.become(
    result.kind === 'unreadable'
      ? unreadable(state, result, Date.now())
      : encryptedAfresh(state, result.enrollmentData),
  );
}

/** A last poll at the deadline still gets this long (ms). */
const LAST_POLL_MS = 60_000;

/** Asks Mastercard for the batch's status once, when the policy says or somebody wants it. */
async function poll(batch: Batch): Promise<void> {
  await batch.waitIn('polling', untilNextPoll);
  if (!isIn(batch.state, 'polling') || isInterrupted(batch.state)) return;
  batch.become(polls(batch.state));
  const asked = batch.in('polling');
  const { round, stage } = asked;
  const deadline = pollingDeadline(asked, stage);
  const giveUpAfter = Math.max(deadline - Date.now(), LAST_POLL_MS);
  const isMoot = (state: BatchState) =>
    isInterrupted(state) ||
    (isIn(state, 'polling') && pollingDeadline(state, state.stage) < Math.min(deadline, Date.now()));
  const answer = await fetchStatus(asked, stage.batchId, giveUpAfter, `poll ${round.polls + 1}`, (work) =>
    unless(batch, isMoot, work),
  );
  const state = batch.in('polling');
  const [now, chance] = [Date.now(), Math.random()];
  if (answer === undefined) batch.become(pollAgain(state, now, chance));
  else if (answer.kind === 'unreadable') batch.become(unreadable(state, answer, now));
  else batch.become(polled(state, answer, now, chance));
}

/** @returns nothing when Mastercard could not be reached in time, or the answer is not wanted any more. */
async function fetchStatus(
  state: BatchState,
  batchId: string,
  giveUpAfter: number,
  summary: string,
  within: <T>(work: () => Promise<T>) => Promise<T | undefined> = (work) => work(),
): Promise<StatusAnswer | Unreadable | undefined> {
  const { round, flowId, policy } = state;
  const { program } = keyOf(state);
  const hasFurther = round.n < policy.retryFailedRecords.maxRounds;
  try {
    return await within(() =>
      asking(program, { summary, giveUpAfter }).fetchBatchStatus({
        batch: keyOf(state),
        round: round.n,
        batchId,
        flowId: flowId ?? undefined,
        ...(hasFurther && { retryInRound: round.n + 1 }),
      }),
    );
  } catch (error) {
    if (activityProblem(error).isTimeout) return undefined;
    throw error;
  }
}

/** Does work that takes long, and gives it up when the state makes it moot. */
async function unless<T>(
  batch: Batch,
  isMoot: (state: BatchState) => boolean,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const working = new CancellationScope();
  const watching = new CancellationScope();
  void watching
    .run(() => condition(() => isMoot(batch.state)))
    .then(
      () => working.cancel(),
      () => undefined,
    );
  try {
    return await working.run(work);
  } catch (error) {
    if (isCancellation(error)) return undefined;
    throw error;
  } finally {
    watching.cancel();
  }
}

/** Mastercard's answer about a batchId that an operator gave must come within this (ms). */
const CHECK_WITHIN_MS = 10 * 60_000;

/** Waits for an operator, for as long as it takes. */
async function ask(batch: Batch): Promise<void> {
  await batch.waitIn('asking', (state) => {
    const { stage } = state;
    if (stage.question === 'batchId') return waitForChange(stage.check !== null);
    return waitForChange(asks(state, 'moreTime') && needsNoMoreTime(state, Date.now()));
  });
  const { state } = batch;
  if (asks(state, 'moreTime')) batch.become(moreTimeSettled(state, Date.now()));
  if (asks(state, 'batchId') && state.stage.check) await check(batch, state.stage.check);
}

async function check(batch: Batch, { id, body }: { id: string; body: { batchId: string } }): Promise<void> {
  const answer = await fetchStatus(
    batch.state,
    body.batchId,
    CHECK_WITHIN_MS,
    "check of an operator's batchId",
  ).catch((error: unknown) => {
    // The operator must not wait for a batch that is ending.
    batch.verdicts.set(id, 'the check could not be made');
    throw error;
  });
  const { state } = batch;
  if (!asks(state, 'batchId')) throw new Error('the question was withdrawn while its answer was checked');
  const [next, verdict] = checked(state, answer, Date.now(), Math.random());
  batch.verdicts.set(id, verdict);
  batch.become(next);
}

async function waitForRound(batch: Batch): Promise<void> {
  await batch.waitIn('betweenRounds', untilNextRound);
  if (isIn(batch.state, 'betweenRounds') && !isInterrupted(batch.state)) batch.become(nextRound(batch.state));
}

/** Waits until the stage may be tried again, and tries it: the key may be back. */
async function waitForKey(batch: Batch): Promise<void> {
  const held = batch.in('heldUp').stage;
  await batch.waitIn('heldUp', untilKeyIsBack);
  if (!isIn(batch.state, 'heldUp') || isInterrupted(batch.state)) return;
  batch.become(triesAgain(batch.state));
  await step(batch);
  batch.become(stillHeldUp(held, batch.state));
}
