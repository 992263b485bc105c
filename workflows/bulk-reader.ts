import { ActivityFailure, ApplicationFailure, CancellationScope, isCancellation } from '@temporalio/workflow';
import { FailureType, isFailureType } from '../enrollment/errors.js';
import { sealPage } from './activity-proxies.js';
import { MOST_BATCHES_A_PAGE, type BulkState } from './bulk-state.js';
import { isLong } from './hand-over.js';

/** Few, so that the first batches are under way while the next page is read. */
const BATCHES_OF_FIRST_PAGE = 10;

/** Reads the source a page ahead of what is started, beside whatever else the job does. */
export class SourceReader {
  private reading: Promise<void> | undefined;
  private readonly scope = new CancellationScope();

  constructor(private readonly state: BulkState) {}

  get isReading(): boolean {
    return this.reading !== undefined;
  }

  /** Begins with the next page, unless enough is read already; what was stopped reads no further. */
  readAhead(): void {
    const { status, isReadToEnd, waiting, limits } = this.state.facts;
    if (!this.state.isEnrolling) this.stop();
    if (this.reading || isLong()) return;
    const isFirst = this.state.facts.batchesFound === 0;
    const maxBatches = Math.min(
      isFirst ? BATCHES_OF_FIRST_PAGE : MOST_BATCHES_A_PAGE,
      limits.maxBatchesInFlight,
    );
    if (status !== 'ENROLLING' || isReadToEnd || waiting.length > maxBatches / 2) return;
    this.reading = this.scope
      .run(() => this.readPage(maxBatches))
      .finally(() => {
        this.reading = undefined;
        this.state.changed();
      });
  }

  stop(): void {
    if (this.reading) this.scope.cancel();
  }

  private async readPage(maxBatches: number): Promise<void> {
    const { input, bulk, facts } = this.state;
    const { source, maxCardsPerBatch } = input;
    const firstBatch = facts.batchesFound + 1;
    try {
      const page = await sealPage(
        { bulk, source, maxCardsPerBatch, firstBatch, maxBatches, from: facts.cursor },
        `batches from ${firstBatch} on`,
      );
      this.state.pageSealed(page);
      if (page.ended && facts.batchesFound === 0 && facts.rejects === 0)
        this.state.stop(FailureType.SourceUnusable, 'the source has no records');
    } catch (error) {
      if (isCancellation(error)) return;
      if (!(error instanceof ActivityFailure)) throw error;
      const { cause } = error;
      const known = cause instanceof ApplicationFailure && isFailureType(cause.type) ? cause.type : undefined;
      this.state.stop(known ?? FailureType.SourceUnusable, cause?.message ?? error.message);
    }
  }
}
