import {
  ApplicationFailure,
  CancellationScope,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { FailureType } from '../../enrollment/errors.js';
import { EXTERNAL_ID_PATTERN, looksLikePan } from '../../enrollment/identifiers.js';
import type { ReceiveBatchResult } from '../../activities/index.js';
import { DEFAULT_POLICY } from '../../enrollment/policy.js';
import { RECORD_SHAPE, shapeLike, shapeProblem, type Shape } from '../../enrollment/record-shape.js';
import { onStore } from '../activities.js';
import { activityProblem, inputRefused } from '../failures.js';
import { continuedState, type Continued } from '../waiting.js';
import {
  progressQuery,
  type BatchEnrollmentInput,
  type BatchProgress,
  type InlineEnrollmentInput,
  type TakeBackInput,
} from './messages.js';
import { begun, startProblem } from './begin.js';
import type { BatchInput } from './input.js';
import type { BatchState } from './state.js';
import { C2pExternalBatchId, C2pProgram, C2pStatus } from '../search-attributes.js';

/** Temporal takes payloads of 2 MB, and these records go through it twice; a full batch of 250 cards is a fifth of this. */
const MAX_INLINE_BYTES = 1_000_000;

const INPUT_SHAPE = {
  program: null,
  externalBatchId: null,
  records: { inline: [RECORD_SHAPE] },
  policy: shapeLike(DEFAULT_POLICY),
  historyLimit: null,
} satisfies Record<keyof InlineEnrollmentInput, Shape>;

/**
 * The state that a run begins with, whatever it was started with.
 * @throws ApplicationFailure of type InputRefused: nothing was kept, and no card was sent.
 */
export async function begin(input: BatchInput): Promise<BatchState> {
  const continued = continuedState<BatchState>(input);
  if (continued) return continued;
  const order = input as Exclude<BatchInput, Continued<BatchState>>;
  const started = isInline(order) ? await takeIn(order) : order;
  const problem = startProblem(started, workflowInfo().workflowId);
  if (problem !== undefined) throw inputRefused(problem);
  return begun(started);
}

function isInline(
  input: BatchEnrollmentInput | InlineEnrollmentInput | TakeBackInput,
): input is InlineEnrollmentInput {
  return isObject(input) && isObject(input.records);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/**
 * Has the records that came with the input moved into the store, and makes of the batch one like any
 * other. It cannot be interrupted: a batch that is cancelled meanwhile owes every card an outcome.
 *
 * @returns what the batch would have been started with by a client that has the store.
 * @throws ApplicationFailure of type InputRefused: nothing was kept, and no card was sent.
 */
async function takeIn(input: InlineEnrollmentInput): Promise<BatchEnrollmentInput> {
  const { program, externalBatchId, records, policy } = input;
  const view: BatchProgress = {
    program,
    externalBatchId,
    status: 'VALIDATING',
    batchIds: [],
    counts: { cards: 0, pending: 0, enrolled: 0, failed: 0, invalid: 0, rolledBack: 0, unreported: 0 },
    reasons: [],
  };
  setHandler(progressQuery, () => view);
  setCurrentDetails('### VALIDATING\nMoving the records into the store. No action needed.');
  try {
    refuseLarge(input);
    refuseUnexpected(input);
    const received = await CancellationScope.nonCancellable(() =>
      onStore({ summary: 'move the records of the input into the store' }).receiveBatch({
        batch: { program, externalBatchId },
        records: records.inline,
        policy,
      }),
    );
    return started(input, received);
  } catch (error) {
    const message = reasonOf(error);
    Object.assign(view, { status: 'FAILED', error: `${FailureType.InputRefused}: ${message}` });
    setCurrentDetails(
      '### FAILED\nNothing was kept, and no card was sent. Mend what the failure names; start the batch under a new id.',
    );
    upsertSearchAttributes([
      { key: C2pStatus, value: 'FAILED' },
      { key: C2pProgram, value: shown(program) },
      { key: C2pExternalBatchId, value: shown(externalBatchId) },
    ]);
    throw inputRefused(message);
  }
}

function started(
  { program, externalBatchId, historyLimit }: InlineEnrollmentInput,
  { records, recordsDigest, cards, policy }: ReceiveBatchResult,
): BatchEnrollmentInput {
  // What a client that has the store starts a batch with: it compares them when it enrolls under this id.
  upsertMemo({ recordsDigest, records });
  return { program, externalBatchId, records, recordsDigest, cards, policy, historyLimit };
}

/** An id that nobody accepted, where it can be read in clear. */
function shown(id: unknown): string | null {
  return typeof id === 'string' && EXTERNAL_ID_PATTERN.test(id) && !looksLikePan(id) ? id : null;
}

function refuseLarge(input: InlineEnrollmentInput): void {
  const bytes = new TextEncoder().encode(jsonOf(input)).byteLength;
  if (bytes <= MAX_INLINE_BYTES) return;
  throw inputRefused(
    `the input is ${bytes} bytes of JSON; at most ${MAX_INLINE_BYTES} go with a workflow: split the batch`,
  );
}

/** What c2p does not know may be what nobody may keep, a security code for one; an activity's input is kept in history. */
function refuseUnexpected(input: InlineEnrollmentInput): void {
  const problem = shapeProblem(input, INPUT_SHAPE);
  if (problem !== undefined) throw inputRefused(problem);
}

function jsonOf(input: InlineEnrollmentInput): string {
  try {
    return JSON.stringify(input);
  } catch {
    throw inputRefused('the input is nested too deeply');
  }
}

function reasonOf(error: unknown): string {
  return error instanceof ApplicationFailure ? error.message : activityProblem(error).message;
}
