import { bulkWorkflowIdOf, NO_CARDS, noBatches } from '../../enrollment/bulk.js';
import { bulkLimitsProblem } from '../../enrollment/bulk-limits.js';
import { startPolicyProblems } from '../../enrollment/policy-rules.js';
import { resolvePolicy } from '../../enrollment/policy.js';
import type { BulkEnrollmentInput } from './messages.js';
import { firstCheck } from './reports.js';
import type { BulkState } from './state.js';

/** The state that a job begins with. */
export function begun(input: BulkEnrollmentInput, now: number): BulkState {
  const { program, bulkId, source, maxCardsPerBatch, policy, historyLimit, limits, onCancel } = input;
  return {
    order: { program, bulkId, source, maxCardsPerBatch, policy: resolvePolicy(policy), historyLimit },
    limits,
    onCancel,
    startedAt: now,
    source: { cursor: null, isReadToEnd: false, batches: 0, cards: 0, rejects: 0 },
    waiting: [],
    notStarted: [],
    inFlight: [],
    byStatus: noBatches(),
    counts: NO_CARDS,
    troubles: { shown: [], all: 0 },
    rateFrom: { at: now, done: 0 },
    nextStartAt: 0,
    check: firstCheck(now),
    isCancelled: false,
    appliedIds: [],
    stage: { name: 'enrolling' },
  };
}

/**
 * Why a job cannot be started like this: a sentence without values. Who starts it may use any language.
 * @param workflowId under which it is.
 */
export function startProblem(input: unknown, workflowId: string): string | undefined {
  if (typeof input !== 'object' || input === null) return 'the input must be an object';
  const { program, bulkId, source, maxCardsPerBatch, limits, onCancel, policy } =
    input as Partial<BulkEnrollmentInput>;
  for (const [name, text] of Object.entries({ program, bulkId }))
    if (typeof text !== 'string') return `${name} must be a text`;
  if (workflowId !== bulkWorkflowIdOf({ program: program!, bulkId: bulkId! }))
    return 'the workflow id must be bulk-enrollment/<program>/<bulkId>';
  if (typeof source !== 'object' || source === null) return 'source must be {path} or {url}';
  const [address] = Object.values(source) as unknown[];
  if (typeof address !== 'string') return 'source must be {path} or {url}';
  if (!Number.isInteger(maxCardsPerBatch) || maxCardsPerBatch! < 1)
    return 'maxCardsPerBatch must be a whole number above 0';
  if (typeof limits !== 'object' || limits === null) return 'limits must be an object';
  if (onCancel !== 'finish' && onCancel !== 'rollback') return 'onCancel must be finish or rollback';
  const problems = startPolicyProblems(policy).map(({ path, message }) => `policy: ${path} ${message}`);
  return bulkLimitsProblem(limits) ?? problems[0];
}
