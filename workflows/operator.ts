import { condition, setHandler, type ApplicationFailure } from '@temporalio/workflow';
import { FailureType } from '../enrollment/errors.js';
import type { StatusAnswer } from '../activities/index.js';
import { fetchStatus } from './activity-proxies.js';
import type { BatchState } from './batch-state.js';
import { endedByTimeout, unresolved, type Ending } from './ending.js';
import { handOverWhenLong } from './hand-over.js';
import {
  resolveSubmissionUpdate,
  retryCompensationUpdate,
  type CompensationDecision,
  type SubmissionResolution,
} from './messages.js';
import { refused } from './refused.js';
import type { AcceptedSubmission } from './submission.js';

/** Mastercard's answer about a batchId that an operator gave must come within this (ms). */
const CHECK_WITHIN_MS = 10 * 60_000;

/** As long as Mastercard's ids can be; printable, without spaces. */
const BATCH_ID = /^[\x21-\x7e]{1,255}$/;

/** An operator's answer that waits to be decided, and what became of it. */
interface PendingResolution {
  resolution: SubmissionResolution;
  verdict?: { refusedBecause?: string } | undefined;
}

/** The place where a batch waits for a person: durably, for as long as it takes. */
export class OperatorDesk {
  private asking = false;
  private pending: PendingResolution | undefined;
  private deciding = false;
  private decision: CompensationDecision | undefined;

  constructor(private readonly state: BatchState) {
    setHandler(resolveSubmissionUpdate, (resolution) => this.resolve(resolution), {
      validator: (resolution: SubmissionResolution) => this.validate(resolution),
    });
    setHandler(retryCompensationUpdate, (decision) => void (this.decision = decision), {
      validator: (decision: CompensationDecision) => this.validateDecision(decision),
    });
  }

  /**
   * Asks an operator under which batchId Mastercard has the round.
   * @param why what is unknown, as the operator will read it.
   */
  async askForBatchId(round: number, why: string): Promise<AcceptedSubmission | Ending> {
    this.state.awaitsOperator('batchId', why);
    try {
      for (;;) {
        this.asking = false;
        await handOverWhenLong(this.state, { stage: 'asking', why });
        this.asking = true;
        await condition(() => this.pending !== undefined);
        const pending = this.pending!;
        const decision = await this.decide(round, pending.resolution, why).catch((error: unknown) => {
          // Whoever answered must not wait for a batch that is ending.
          pending.verdict = { refusedBecause: 'the check could not be made' };
          throw error;
        });
        pending.verdict =
          decision.refusedBecause === undefined ? {} : { refusedBecause: decision.refusedBecause };
        this.pending = undefined;
        if (decision.settled) return decision.settled;
        this.state.operatorWasRefused(decision.refusedBecause ?? '');
      }
    } finally {
      this.asking = false;
    }
  }

  /**
   * Asks an operator whether to try once more to remove cards.
   * @param ending how the batch ended before its cards were to be removed.
   * @param unremoved what could not be removed, as the operator will read it.
   */
  async askToRetryRemoval(ending: Ending, unremoved: string): Promise<CompensationDecision> {
    this.state.awaitsOperator('removal', `${FailureType.CompensationFailed}: ${unremoved}`);
    await handOverWhenLong(this.state, { stage: 'removing', ending, unremoved });
    this.deciding = true;
    try {
      await condition(() => this.decision !== undefined);
      return this.decision!;
    } finally {
      this.deciding = false;
      this.decision = undefined;
    }
  }

  private async decide(
    round: number,
    resolution: SubmissionResolution,
    why: string,
  ): Promise<{ settled?: AcceptedSubmission | Ending; refusedBecause?: string }> {
    if ('abandon' in resolution)
      return { settled: unresolved(`${why}; an operator abandoned the batch`, round) };
    const { batchId } = resolution;
    const answer = await this.ask(round, batchId);
    switch (answer?.kind) {
      case 'processing':
      case 'terminal':
        return { settled: { batchId } };
      case 'foreign':
        return { refusedBecause: `batchId ${batchId} belongs to another externalBatchId` };
      case 'notFound':
        return { refusedBecause: `Mastercard does not know batchId ${batchId}` };
      case 'denied':
        return { refusedBecause: `Mastercard did not answer about batchId ${batchId}: ${answer.message}` };
      case undefined:
        return { refusedBecause: `Mastercard could not be asked about batchId ${batchId}; try again later` };
    }
  }

  private async ask(round: number, batchId: string): Promise<StatusAnswer | undefined> {
    const { batch } = this.state;
    try {
      return await fetchStatus({ batch, round, batchId }, CHECK_WITHIN_MS, `check of an operator's batchId`);
    } catch (error) {
      if (endedByTimeout(error)) return undefined;
      throw error;
    }
  }

  private validate(resolution: SubmissionResolution): void {
    if (!this.asking) throw unanswered('the batch does not wait for an operator');
    if (this.pending) throw unanswered('another answer is being checked');
    const abandon = 'abandon' in resolution && resolution.abandon === true;
    const named =
      'batchId' in resolution && typeof resolution.batchId === 'string' && BATCH_ID.test(resolution.batchId);
    if (abandon === named)
      throw unanswered('give either {batchId} as Mastercard wrote it or {abandon: true}');
  }

  private validateDecision(decision: CompensationDecision): void {
    if (!this.deciding || this.decision) throw unanswered('there is no rollback to decide about');
    const given = Object.entries(decision).filter(([, value]) => value === true);
    if (given.length !== 1 || !['retry', 'abandon'].includes(given[0]![0])) {
      throw unanswered('give either {retry: true} or {abandon: true}');
    }
  }

  private async resolve(resolution: SubmissionResolution): Promise<void> {
    const pending: PendingResolution = { resolution };
    this.pending = pending;
    await condition(() => pending.verdict !== undefined);
    if (pending.verdict?.refusedBecause !== undefined) throw unanswered(pending.verdict.refusedBecause);
  }
}

function unanswered(message: string): ApplicationFailure {
  return refused(message, FailureType.ResolutionRefused);
}
