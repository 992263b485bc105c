import { ApplicationFailure, CancellationScope, isCancellation } from '@temporalio/workflow';
import { FailureType } from '../../enrollment/errors.js';
import { onSource } from '../activities.js';
import { activityProblem } from '../failures.js';
import type { Job } from './job.js';
import { isEnrolling, pageSealed, sizeOfNextPage, stopped } from './starting.js';
import { keyOf } from './state.js';

/** Reads a page ahead of what is started, beside whatever else the job does. */
export class SourceReader {
  private scope: CancellationScope | undefined;

  constructor(private readonly job: Job) {}

  /** Whether a page is to be read now. */
  get isDue(): boolean {
    return sizeOfNextPage(this.job.state) > 0 && !this.job.isAt('reading');
  }

  /** Whether a page is read that nobody wants any more, since the job starts no further batch. */
  get isMoot(): boolean {
    return this.scope !== undefined && !isEnrolling(this.job.state);
  }

  giveUpWhatIsMoot(): void {
    if (!this.isMoot) return;
    this.scope?.cancel();
    this.scope = undefined;
  }

  /** Begins with the next page where one is to be read. */
  readAhead(): void {
    if (!this.isDue) return;
    const scope = new CancellationScope();
    this.scope = scope;
    this.job.begin('reading', async () => {
      await scope.run(() => this.readPage());
      this.scope = undefined;
    });
  }

  private async readPage(): Promise<void> {
    const { job } = this;
    const { order, source } = job.state;
    const firstBatch = source.batches + 1;
    try {
      const page = await onSource({ summary: `batches from ${firstBatch} on` }).sealPage({
        bulk: keyOf(job.state),
        source: order.source,
        maxCardsPerBatch: order.maxCardsPerBatch,
        firstBatch,
        maxBatches: sizeOfNextPage(job.state),
        from: source.cursor ?? undefined,
      });
      job.become(pageSealed(job.state, page));
    } catch (error) {
      if (isCancellation(error)) return;
      const { type = FailureType.SourceUnusable } = activityProblem(error);
      const { cause } = error as { cause?: Error };
      const message = cause instanceof ApplicationFailure ? cause.message : (error as Error).message;
      job.become(stopped(job.state, type, message));
    }
  }
}
