import { NO_CARDS } from '../../enrollment/bulk.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import { startPolicyProblems } from '../../enrollment/policy-rules.js';
import { resolvePolicy } from '../../enrollment/policy.js';
import type { BatchEnrollmentInput, TakeBackInput } from './messages.js';
import { removal } from './conclusion.js';
import { roundOf } from './polling.js';
import type { BatchState } from './state.js';

/** The state that a batch begins with. */
export function begun(input: BatchEnrollmentInput | TakeBackInput): BatchState {
  const { program, externalBatchId, records, recordsDigest, cards, reportTo, historyLimit, policy } = input;
  const state: BatchState = {
    order: { program, externalBatchId, records, recordsDigest, cards, reportTo, historyLimit },
    policy: resolvePolicy(policy),
    counts: { ...NO_CARDS, cards, pending: cards },
    batchIds: [],
    flowId: null,
    round: roundOf(1),
    isCancelled: false,
    isCancelAsked: false,
    isNudged: false,
    appliedIds: [],
    changes: [],
    notices: [],
    reasons: [],
    stage: { name: 'validating' },
  };
  return 'takeBack' in input ? takingBack(state, input.takeBack) : state;
}

/** A closed batch whose enrolled cards are to be removed. */
function takingBack(state: BatchState, { why, counts, batchIds }: TakeBackInput['takeBack']): BatchState {
  const remaining = { status: 'UNREPORTED', reason: 'NOT_SENT' } as const;
  const ending = {
    status: 'ROLLED_BACK',
    reasons: [],
    remaining,
    unsettledRound: null,
    failure: null,
  } as const;
  return { ...state, counts, batchIds, reasons: [why], stage: removal(why, ending) };
}

/**
 * Why a batch cannot be started like this: a sentence without values. Who starts it may use any language.
 * @param workflowId under which it is.
 */
export function startProblem(input: unknown, workflowId: string): string | undefined {
  if (typeof input !== 'object' || input === null) return 'the input must be an object';
  const { program, externalBatchId, records, recordsDigest, cards, policy } =
    input as Partial<BatchEnrollmentInput>;
  for (const [name, text] of Object.entries({ program, externalBatchId, records, recordsDigest }))
    if (typeof text !== 'string') return `${name} must be a text`;
  if (workflowId !== workflowIdOf({ program: program!, externalBatchId: externalBatchId! }))
    return 'the workflow id must be batch-enrollment/<program>/<externalBatchId>';
  if (!Number.isInteger(cards) || cards! < 1) return 'cards must be a whole number above 0';
  const problems = startPolicyProblems(policy);
  if (problems.length === 0) return undefined;
  return `policy: ${problems.map(({ path, message }) => `${path} ${message}`.trim()).join('; ')}`;
}
