import { describe, expect, test } from 'vitest';
import type { StatusAnswer, SubmissionAnswer } from '../../activities/index.js';
import { DEFAULT_POLICY, resolvePolicy, type PolicyOverrides } from '../../enrollment/policy.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import type { Message } from '../../workflows/message.js';
import { begun, startProblem } from '../../workflows/batch/begin.js';
import { cancelAsked, cancelled, heedCancellation, removal } from '../../workflows/batch/conclusion.js';
import {
  asks,
  checked,
  closedWithoutUnreadable,
  deadlineDecided,
  nudged,
  policyChanged,
  pollProblem,
  resolutionProblem,
  resolved,
} from '../../workflows/batch/operator.js';
import type { SubmissionResolution } from '../../workflows/batch/messages.js';
import { describeBatch } from '../../workflows/batch/details.js';
import { unreadable, untilKeyIsBack } from '../../workflows/batch/held-up.js';
import { pollAgain, polled, polls, untilNextPoll } from '../../workflows/batch/polling.js';
import { progressOf } from '../../workflows/batch/progress.js';
import { isIn } from '../../workflows/staged.js';
import type { BatchState, In, StageName } from '../../workflows/batch/state.js';
import { encrypted, offered, offers, untilNextOffer } from '../../workflows/batch/submission.js';
import { validated } from '../../workflows/batch/validation.js';

const NOW = Date.parse('2026-11-30T12:00:00Z');
const HOUR = 3_600_000;

function started(policy: PolicyOverrides = {}): BatchState {
  return begun({
    program: 'demo',
    externalBatchId: 'b-1',
    records: 'records-a',
    recordsDigest: 'digest',
    cards: 3,
    policy: resolvePolicy(policy),
  });
}

function at<Name extends StageName>(state: BatchState, name: Name): In<Name> {
  if (!isIn(state, name)) throw new Error(`the batch is ${state.stage.name}, not ${name}`);
  return state;
}

function submitting(policy: PolicyOverrides = {}): In<'submitting'> {
  const valid = {
    kind: 'validated',
    validated: 'validated-1',
    cards: 3,
    validCards: 2,
    invalidCards: 1,
  } as const;
  const encrypting = at(validated(at(started(policy), 'validating'), valid), 'encrypting');
  return at(encrypted(encrypting, 'enrollment-data-1'), 'submitting');
}

function offering(answer: SubmissionAnswer, state: In<'submitting'> = submitting(), now = NOW): BatchState {
  return offered(offers(state, now), answer, now);
}

function polling(policy: PolicyOverrides = {}): In<'polling'> {
  return at(offering({ kind: 'accepted', batchId: 'mc-1' }, submitting(policy)), 'polling');
}

const failure = { message: 'why', reason: 'REASON', details: [] };
const lost: SubmissionAnswer = { kind: 'unknown', ...failure };
const message = <Body>(body: Body): Message<Body> => ({ id: 'm-1', by: 'alice', for: 'any', body });
const afterLost = () => at(offering(lost), 'submitting');

/** The stage, and the question or the end where there is one. */
function whereabouts({ stage }: BatchState): string {
  if (stage.name === 'asking') return `asking ${stage.question}`;
  return stage.name === 'closing' ? `closing ${stage.ending.status}` : stage.name;
}

describe('what follows an offer', () => {
  test.each<[string, SubmissionAnswer, string, string]>([
    ['accepted', { kind: 'accepted', batchId: 'mc-1' }, 'polling', 'polling'],
    [
      'a duplicate with its batchId',
      { kind: 'duplicate', ...failure, batchId: 'mc-1' },
      'polling',
      'polling',
    ],
    ['a duplicate without', { kind: 'duplicate', ...failure }, 'asking batchId', 'asking batchId'],
    ['offered by another workflow', { kind: 'offeredBefore' }, 'asking batchId', 'asking batchId'],
    ['refused', { kind: 'refused', ...failure }, 'closing REJECTED', 'asking batchId'],
    ['caller refused', { kind: 'callerRefused', ...failure }, 'closing FAILED', 'asking batchId'],
    ['not accepted', { kind: 'notAccepted', ...failure }, 'submitting', 'submitting'],
    ['unknown', lost, 'submitting', 'submitting'],
  ])('that was %s, first and after one that may have been accepted', (_, answer, first, later) => {
    expect(whereabouts(offering(answer))).toBe(first);
    expect(whereabouts(offering(answer, afterLost()))).toBe(later);
  });

  test('whose answer was lost, where the policy asks an operator', () => {
    const state = offering(lost, submitting({ uncertainSubmission: 'askOperator' }));
    expect(whereabouts(state)).toBe('asking batchId');
  });

  test('at the deadline: an operator is asked where Mastercard may have it, else the batch fails', () => {
    const late = NOW + DEFAULT_POLICY.submission.deadline;
    const busy: SubmissionAnswer = { kind: 'notAccepted', ...failure };
    expect(whereabouts(offering(busy, afterLost(), late))).toBe('asking batchId');
    const once = at(offering(busy), 'submitting');
    expect(whereabouts(offering(busy, once, late))).toBe('closing FAILED');
  });

  test('waits for Retry-After, at most to the deadline', () => {
    const busy = (retryAfter: number): SubmissionAnswer => ({ kind: 'notAccepted', ...failure, retryAfter });
    const until = (retryAfter: number) => {
      const wait = untilNextOffer(at(offering(busy(retryAfter)), 'submitting'));
      return wait.over ? 0 : wait.until! - NOW;
    };
    expect(until(HOUR)).toBe(HOUR);
    expect(until(48 * HOUR)).toBe(DEFAULT_POLICY.submission.deadline);
  });
});

describe('a cancellation', () => {
  const ends = (state: BatchState) => whereabouts(heedCancellation(cancelled(state)));

  test('ends a batch that Mastercard does not have', () => {
    expect(ends(started())).toBe('closing CANCELLED');
    expect(ends(submitting())).toBe('closing CANCELLED');
  });

  test('sees one to its end that Mastercard may have, unless its cards are left', () => {
    expect(ends(afterLost())).toBe('submitting');
    expect(ends(polling())).toBe('polling');
    expect(ends(polling({ onCancel: 'leave' }))).toBe('closing CANCELLED');
  });

  test('of one that asks for its batchId gives it up', () => {
    expect(ends(offering({ kind: 'duplicate', ...failure }))).toBe('closing CANCELLED');
  });

  test('between two rounds is shown as that', () => {
    const counts = { ...started().counts, pending: 0, enrolled: 2, failed: 1 };
    const settled = polled(
      polls(polling({ retryFailedRecords: { maxRounds: 2 }, onCancel: 'leave' })),
      {
        kind: 'terminal',
        batchStatus: 'COMPLETED',
        batchFailed: false,
        counts,
        anomalies: { missing: 0, repeated: 0, contradictory: 0, foreign: 0, unknownStatus: 0 },
        retry: { records: 'validated-2', cards: 1 },
      },
      NOW,
      0.5,
    );
    const { reasons } = progressOf(heedCancellation(cancelled(at(settled, 'betweenRounds'))));
    expect(reasons).toEqual(['cancelled between round 1 and round 2']);
  });

  test('a second time changes nothing', () => {
    const once = cancelled(polling());
    expect(cancelled(once)).toBe(once);
  });
});

describe('polling', () => {
  const inProgress: StatusAnswer = { kind: 'processing', batchStatus: 'IN_PROGRESS', known: true };
  const atDeadline = (policy: PolicyOverrides) =>
    whereabouts(polled(polls(polling(policy)), inProgress, NOW + DEFAULT_POLICY.polling.deadline, 0.5));

  test('at the deadline expires, or asks where the policy or the removal of cards wants that', () => {
    expect(atDeadline({})).toBe('closing EXPIRED');
    expect(atDeadline({ onPollingDeadline: 'askOperator' })).toBe('asking moreTime');
    expect(atDeadline({ onPartialFailure: 'rollback' })).toBe('asking moreTime');
  });

  test('comes later and later, and at once when somebody asks for it or changes the policy', () => {
    const wait = untilNextPoll(polling());
    expect(wait).toMatchObject({ over: false, until: NOW + DEFAULT_POLICY.polling.initial });
    const changed = policyChanged(polling(), message<PolicyOverrides>({ onCancel: 'leave' }));
    expect(untilNextPoll(at(changed, 'polling'))).toEqual({ over: true });
  });

  test('comes at the deadline at the latest', () => {
    const deadline = NOW + DEFAULT_POLICY.polling.deadline;
    const late = at(pollAgain(polling(), deadline - 1, 0.5), 'polling');
    expect(untilNextPoll(late)).toMatchObject({ until: deadline });
  });

  test('that somebody asks for while Mastercard is being asked comes next', () => {
    const asked = nudged(polls(polling()), message({}));
    expect(untilNextPoll(at(polled(at(asked, 'polling'), inProgress, NOW, 0.5), 'polling'))).toEqual({
      over: true,
    });
  });

  test('is refused where Mastercard has nothing to tell', () => {
    expect(pollProblem(polling())).toBeUndefined();
    expect(pollProblem(submitting())).toMatch(/nothing to poll/);
    expect(pollProblem(heedCancellation(cancelled(submitting())))).toMatch(/nothing to poll/);
  });

  test('asks an operator where Mastercard does not know the batchId and cards are to be removed', () => {
    const late = NOW + DEFAULT_POLICY.polling.notFoundGrace + 1;
    const unknown = (policy: PolicyOverrides) =>
      whereabouts(polled(polls(polling(policy)), { kind: 'notFound', message: '404' }, late, 0.5));
    expect(unknown({})).toBe('closing FAILED');
    expect(unknown({ onPartialFailure: 'rollback' })).toBe('asking batchId');
  });

  test('an extended deadline is the polling’s own', () => {
    const until = new Date(NOW + 100 * HOUR).toISOString();
    const state = deadlineDecided(polling(), message({ until }));
    expect(at(state, 'polling').stage.extendedUntil).toBe(NOW + 100 * HOUR);
  });
});

describe('an operator who says that Mastercard does not have the batch', () => {
  test('has it offered again, also where another workflow offered it, with a deadline of its own', () => {
    const asked = offering({ kind: 'offeredBefore' });
    expect(resolutionProblem(asked, { resend: true })).toBeUndefined();
    const state = resolved(asked, message({ resend: true }));
    expect(at(state, 'submitting').stage).toMatchObject({ wait: null, isOperatorsDecision: true });
    expect(state.round.firstOfferedAt).toBeNull();
    expect(state.appliedIds).toEqual(['m-1']);
  });
});

describe('a blob that cannot be read', () => {
  const found = { kind: 'unreadable', message: 'the blob', ref: 'cards' } as const;

  test('closes the batch where it is lost, and holds it up where only its key is missing', () => {
    expect(whereabouts(unreadable(polling(), { ...found, why: 'altered' }, NOW))).toBe('closing FAILED');
    const held = unreadable(polling(), { ...found, why: 'keyMissing', keyId: 'k2' }, NOW);
    expect(whereabouts(held)).toBe('heldUp');
    expect(progressOf(held)).toMatchObject({ status: 'AWAITING_OPERATOR', question: 'key' });
    expect(untilKeyIsBack(at(held, 'heldUp'))).toMatchObject({ over: false, until: NOW + 10_000 });
    const closed = closedWithoutUnreadable(held, message({}));
    expect(at(closed, 'closing').stage.withoutUnreadable).toBe(true);
  });

  test('when the answer about an operator’s batchId is recorded does so too, since that answer names the batch', () => {
    const asked = offering({ kind: 'duplicate', ...failure });
    const answered = resolved(asked, message<SubmissionResolution>({ batchId: 'mc-9' }));
    const check = (why: 'altered' | 'keyMissing') => {
      if (!asks(answered, 'batchId')) throw new Error('the batch does not ask');
      return checked(answered, { ...found, why, keyId: 'k2' }, NOW, 0);
    };
    for (const [why, where] of [
      ['altered', 'closing FAILED'],
      ['keyMissing', 'heldUp'],
    ] as const) {
      const [state, verdict] = check(why);
      expect([whereabouts(state), state.batchIds, verdict]).toEqual([where, ['mc-9'], null]);
    }
  });
});

describe('what operators see', () => {
  test('names the command to run', () => {
    const state = offering({ kind: 'duplicate', ...failure });
    expect(describeBatch(progressOf(state))).toContain('run `c2p resolve b-1 --batch-id B`');
  });

  test('a state survives being written as JSON', () => {
    for (const state of [started(), submitting(), polling(), offering({ kind: 'duplicate', ...failure })])
      expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  });
});

describe('an input that no batch can be started with is named without its values', () => {
  const WORKFLOW_ID = workflowIdOf(started().order);
  test.each<[string, unknown, RegExp]>([
    ['nothing', null, /must be an object/],
    ['no policy', { ...started().order, policy: null }, /policy/],
    ['a policy of another shape', { ...started().order, policy: { polling: 'fast' } }, /policy/],
    [
      'no digest',
      { ...started().order, recordsDigest: 7, policy: DEFAULT_POLICY },
      /recordsDigest must be a text/,
    ],
    ['no cards', { ...started().order, cards: 0, policy: DEFAULT_POLICY }, /cards must be/],
    ['another workflow id', { ...started().order, externalBatchId: 'b-2' }, /workflow id must be/],
  ])('%s', (_, input, problem) => {
    expect(startProblem(input, WORKFLOW_ID)).toMatch(problem);
  });
});

describe('a batchId of Mastercard', () => {
  test.each(['5186-0017-0000-9726', 'ana@example.com', '+12015550123'])(
    'that looks like personal data is asked for as it is, and read by nobody: %s',
    (batchId) => {
      const state = offering({ kind: 'accepted', batchId }, submitting());
      expect(state.stage).toMatchObject({ name: 'polling', batchId });
      expect(state.batchIds[0]).toHaveLength(batchId.length);
      expect(JSON.stringify(progressOf(state))).not.toContain(batchId);
      expect(describeBatch(progressOf(state))).not.toContain(batchId);
    },
  );
});

test('a batch that removes cards already does not announce a question about a cancellation', () => {
  const ending = {
    status: 'ROLLED_BACK',
    reasons: [],
    remaining: { status: 'UNREPORTED', reason: 'NOT_SENT' },
    unsettledRound: null,
    failure: null,
  } as const;
  const removing: BatchState = { ...polling(), stage: removal('not every card could be enrolled', ending) };
  const asked = heedCancellation(cancelAsked(removing));
  expect(asked.stage.name).toBe('removing');
  expect(progressOf(asked).reasons).toEqual([]);
});
