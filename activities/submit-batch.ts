import { activityInfo, ApplicationFailure, cancellationSignal } from '@temporalio/activity';
import type { BatchKey, BlobRef } from '../enrollment/batch.js';
import { recipientOf, type OfferMark } from '../enrollment/blobs.js';
import { FailureType } from '../enrollment/errors.js';
import { follows, type TextRule } from '../enrollment/record-rules.js';
import { GatewayFailure } from '../mastercard/errors.js';
import { asCompactJwe, recipientMark, type CompactJwe } from '../mastercard/jwe.js';
import { KeyError } from '../mastercard/keys.js';
import { correlationIdOf } from './correlation.js';
import type { ActivityDependencies, ProgramDependencies } from './dependencies.js';
import { describeFailure, storeProblem, type FailureDescription } from './failures.js';
import { whileHeartbeating } from './heartbeat.js';
import { keepReceipt, leaveMark, type OfferedBefore } from './offer-mark.js';
import { readingBlobs, type Unreadable } from '../store/unreadable.js';

export interface SubmitBatchInput {
  batch: BatchKey;
  round: number;
  enrollmentData: BlobRef;
  /** The first run of the workflow that offers it (`firstExecutionRunId`). */
  chain: string;
  /**
   * A person made sure that Mastercard does not have what another chain offered: send it, and leave this chain's
   * mark in the place of the other's.
   */
  takeOver?: boolean | undefined;
  /**
   * Whether the answer may be that Mastercard's key has changed: only where no attempt of the round can have
   * been accepted, since what follows is another JWE.
   */
  unlessKeyChanged?: boolean | undefined;
}

/** What one attempt to submit came to. */
export type SubmissionAnswer =
  | { kind: 'accepted'; batchId: string; flowId?: string | undefined }
  /** Definitely not accepted: the workflow waits, then submits again. */
  | ({ kind: 'notAccepted'; retryAfter?: number | undefined } & FailureDescription)
  /** Mastercard may have accepted it or not. */
  | ({ kind: 'unknown' } & FailureDescription)
  /** The externalBatchId was accepted before, as `batchId` if Mastercard says so. */
  | ({ kind: 'duplicate'; batchId?: string | undefined } & FailureDescription)
  /** The request itself is wrong and stays wrong. */
  | ({ kind: 'refused' } & FailureDescription)
  /** Mastercard refuses the caller (401, 403, wrong address), and says nothing of the batch. */
  | ({ kind: 'callerRefused' } & FailureDescription)
  /** Definitely not accepted, and the JWE is for another key than Mastercard's present one. */
  | ({ kind: 'keyChanged' } & FailureDescription)
  | OfferedBefore;

/**
 * Submits a round to Mastercard: one attempt, never more, because what may follow depends on how it failed and
 * belongs in the workflow's history. So whatever is known of it is a result. What is thrown is a defect, and
 * whether Mastercard has the batch is then unknown.
 */
export function submitBatch(deps: Pick<ActivityDependencies, 'store' | 'program' | 'now'>) {
  return (input: SubmitBatchInput): Promise<SubmissionAnswer | Unreadable> =>
    whileHeartbeating(async () => {
      const prepared = await prepare(deps, input);
      return prepared.kind === 'ready' ? offer(deps, input, prepared) : prepared;
    });
}

/** All that an attempt needs to send the round; the mark is in the store. */
interface Ready {
  kind: 'ready';
  program: ProgramDependencies;
  externalBatchId: string;
  enrollmentData: CompactJwe;
  mark: OfferMark;
}

/** Sends nothing: so whatever fails here leaves the round not accepted. */
async function prepare(
  deps: Pick<ActivityDependencies, 'store' | 'program' | 'now'>,
  input: SubmitBatchInput,
): Promise<Ready | SubmissionAnswer | Unreadable> {
  const { batch } = input;
  try {
    return await readingBlobs(async () => {
      const program = deps.program(batch.program);
      const { roundId, externalBatchId: rule } = program.api.batch;
      const externalBatchId = idOfRound(() => roundId(batch.externalBatchId, input.round));
      if (externalBatchId === undefined)
        return notSent('API_MODULE_FAILED', 'the API module makes no id for the round');
      if (!follows(externalBatchId, rule)) return idRefused(rule);
      const bytes = await deps.store.get(batch, input.enrollmentData);
      const enrollmentData = asCompactJwe(Buffer.from(bytes).toString('ascii'));
      if (input.unlessKeyChanged && (await isForOldKey(program, input.enrollmentData, false)))
        return KEY_CHANGED;
      const mark = await leaveMark(deps, input);
      return 'kind' in mark ? mark : { kind: 'ready', program, externalBatchId, enrollmentData, mark };
    });
  } catch (error) {
    const unknown = error instanceof ApplicationFailure && error.type === FailureType.ConfigurationInvalid;
    return unknown
      ? notSent('PROGRAM_UNKNOWN', error.message)
      : notSent('STORE_UNAVAILABLE', storeProblem(error));
  }
}

async function offer(
  deps: Pick<ActivityDependencies, 'store'>,
  input: SubmitBatchInput,
  { program, externalBatchId, enrollmentData, mark }: Ready,
): Promise<SubmissionAnswer> {
  const correlationId = correlationIdOf(activityInfo());
  try {
    const receipt = await program.gateway.submitBatch(
      { externalBatchId, enrollmentData, correlationId },
      { signal: cancellationSignal() },
    );
    await keepReceipt(deps, input, mark, receipt);
    return { kind: 'accepted', ...receipt };
  } catch (error) {
    if (!(error instanceof GatewayFailure)) throw error;
    const mayBeKey = input.unlessKeyChanged && isRefusal(error);
    if (mayBeKey && (await isForOldKey(program, input.enrollmentData, true)))
      return { kind: 'keyChanged', ...describeFailure(error) };
    return answerOf(error);
  }
}

const KEY_CHANGED: SubmissionAnswer = {
  kind: 'keyChanged',
  message: "nothing was sent: Mastercard's encryption key is another one now",
  reason: 'ENCRYPTION_KEY_CHANGED',
  details: [],
};

/**
 * Whether a JWE is for another key than Mastercard's present one.
 * @param refused whether Mastercard refused it, so that what is known of the key may be out of date.
 */
async function isForOldKey(
  { recipient }: Pick<ProgramDependencies, 'recipient'>,
  enrollmentData: BlobRef,
  refused: boolean,
): Promise<boolean> {
  const mark = recipientOf(enrollmentData);
  try {
    return recipientMark(await recipient(refused ? mark : undefined)) !== mark;
  } catch (error) {
    // A key that cannot be had now makes no other JWE; this one may still be good.
    if (error instanceof KeyError) return false;
    throw error;
  }
}

/**
 * Whether Mastercard certainly did not take the batch, for a reason that may be the key: in which words it
 * says that it does not know a key is not published, so every refusal may be that one.
 */
function isRefusal({ kind }: GatewayFailure): boolean {
  return kind === 'refused' || kind === 'configuration';
}

/** Nothing where the API module fails. */
function idOfRound(make: () => string): string | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

function idRefused({ problem }: TextRule): SubmissionAnswer {
  const message = `nothing was sent: the externalBatchId of the round ${problem}`;
  return { kind: 'refused', reason: 'EXTERNAL_BATCH_ID_UNUSABLE', message, details: [] };
}

function notSent(reason: string, why: string): SubmissionAnswer {
  return { kind: 'notAccepted', reason, message: `nothing was sent: ${why}`, details: [] };
}

function answerOf(failure: GatewayFailure): SubmissionAnswer {
  const description = describeFailure(failure);
  switch (failure.kind) {
    case 'notSent':
    case 'notAccepted':
      return { kind: 'notAccepted', ...description, retryAfter: failure.retryAfterMs };
    case 'unknown':
      return { kind: 'unknown', ...description };
    case 'duplicate':
      return { kind: 'duplicate', ...description, batchId: failure.batchId };
    case 'refused':
    case 'notFound':
      return { kind: 'refused', ...description };
    case 'configuration':
      return { kind: 'callerRefused', ...description };
  }
}
