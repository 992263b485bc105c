import { expect, test } from 'vitest';
import { FailureType } from '../../enrollment/errors.js';
import { resolvePolicy, type PolicyOverrides } from '../../enrollment/policy.js';
import { begun } from '../../workflows/batch/begin.js';
import { cancelled, heedCancellation } from '../../workflows/batch/conclusion.js';
import { unreadable } from '../../workflows/batch/held-up.js';
import { resolved } from '../../workflows/batch/operator.js';
import { roundOf } from '../../workflows/batch/polling.js';
import { isIn } from '../../workflows/staged.js';
import type { BatchState, In } from '../../workflows/batch/state.js';
import { accepted, offered, offering, offers } from '../../workflows/batch/submission.js';
import type { SubmissionAnswer } from '../../activities/index.js';
import { message } from '../support/message.js';

const DUPLICATE: SubmissionAnswer = { kind: 'duplicate', message: '409', details: [] };
const UNKNOWN: SubmissionAnswer = { kind: 'unknown', message: 'no answer', details: [] };
const OFFERED_BEFORE: SubmissionAnswer = { kind: 'offeredBefore' };

function submitting(policy: PolicyOverrides = {}): In<'submitting'> {
  const order = { program: 'demo', externalBatchId: 'a', records: 'records-1', recordsDigest: 'd', cards: 2 };
  const state = begun({ ...order, policy: resolvePolicy(policy) });
  return { ...state, stage: offering('enrollment-data-1') };
}

function answered(state: In<'submitting'>, answer: SubmissionAnswer): BatchState {
  return offered(offers(state, 0), answer, 0);
}

test('a batch whose operator cancels it before the question arises is not asked where the cards are to be left', () => {
  const state = answered({ ...submitting({ onCancel: 'leave' }), isCancelled: true }, DUPLICATE);

  expect(heedCancellation(state).stage).toMatchObject({ name: 'closing', ending: { status: 'CANCELLED' } });
});

test('where the cards are to be removed, a cancelled batch asks: nobody could remove what is not known', () => {
  const state = answered({ ...submitting(), isCancelled: true }, DUPLICATE);

  expect(heedCancellation(state).stage).toMatchObject({ name: 'asking', question: 'batchId' });
});

test('cards that another workflow offered may be at Mastercard, also for who cancels instead of answering', () => {
  const state = cancelled(answered(submitting(), OFFERED_BEFORE));

  expect(state.stage).toMatchObject({
    ending: { status: 'CANCELLED', unsettledRound: 1, remaining: { reason: 'CANCELLED_UNREPORTED' } },
  });
});

test('an operator who names one batchId after two uncertain offers learns that there may be another', () => {
  let state = answered(submitting(), UNKNOWN);
  if (isIn(state, 'submitting')) state = answered(state, UNKNOWN);
  if (isIn(state, 'submitting')) state = answered(state, DUPLICATE);
  if (!isIn(state, 'asking') || state.stage.question !== 'batchId') throw new Error('nothing is asked');

  const { notices } = accepted({ ...state, stage: state.stage }, { batchId: 'mc-1' }, 0);
  expect(notices.join()).toContain('each of 2 submissions of round 1, which it has as mc-1');
});

test('an operator who has it sent again starts the time for the submission anew', () => {
  const asked = answered(submitting(), DUPLICATE);
  const [resend] = message('resolveSubmission', { resend: true as const });

  expect(resolved(asked, resend)).toMatchObject({
    round: { firstOfferedAt: null },
    stage: { name: 'submitting', isOperatorsDecision: true },
  });
});

test('a lost blob of a later round ends the batch, and what the first one enrolled is removed all the same', () => {
  const state: BatchState = {
    ...submitting({ onPartialFailure: 'rollback' }),
    round: roundOf(2),
    counts: { cards: 2, pending: 1, enrolled: 1, failed: 0, invalid: 0, rolledBack: 0, unreported: 0 },
  };
  const lost = { kind: 'unreadable', why: 'missing', message: 'gone' } as const;
  const removes = unreadable(state, lost, 0);

  expect(removes.stage).toMatchObject({
    name: 'removing',
    ending: { status: 'FAILED', failure: FailureType.SealedBlobMissing },
  });
  // The outcomes themselves are lost: then nothing can be removed.
  expect(unreadable(removes, { ...lost, message: 'the outcomes are gone' }, 0).stage).toMatchObject({
    name: 'closing',
    ending: { status: 'FAILED', reasons: ['the outcomes are gone', 'gone'] },
  });
});
