import type { EnrollmentRecord } from '../enrollment/records.js';
import type { ReportedCard } from '../enrollment/reconciliation.js';
import type {
  BatchReport,
  BatchSubmission,
  EnrollmentGateway,
  RemovalResult,
  StatusRequest,
  SubmissionReceipt,
} from '../mastercard/gateway.js';

/** A Mastercard in this process that answers at once: the batch is done at the last of `polls` polls, every card enrolled. */
export class InstantGateway implements EnrollmentGateway {
  private readonly pollsOf = new Map<string, number>();
  private readonly results: ReportedCard[];

  /** @param records what every batch consists of. */
  constructor(
    records: readonly EnrollmentRecord[],
    private readonly polls: number,
  ) {
    this.results = records.flatMap(({ externalConsumerId, cards }) =>
      cards.map(({ externalCardId }) => ({
        externalConsumerId,
        externalCardId,
        result: 'enrolled',
        rawStatus: 'SUCCESS',
        srcConsumerId: `src-${externalConsumerId}`,
        srcDigitalCardId: `digital-${externalCardId}`,
      })),
    );
  }

  submitBatch({ externalBatchId }: BatchSubmission): Promise<SubmissionReceipt> {
    return Promise.resolve({ batchId: externalBatchId, flowId: 'site-1' });
  }

  fetchBatchStatus({ batchId }: StatusRequest): Promise<BatchReport> {
    const polls = (this.pollsOf.get(batchId) ?? 0) + 1;
    this.pollsOf.set(batchId, polls);
    const done = polls >= this.polls;
    return Promise.resolve({
      batchId,
      externalBatchId: batchId,
      batchStatus: done ? 'COMPLETED_SUCCESSFULLY' : 'IN_PROGRESS',
      state: done ? 'completed' : 'inProgress',
      cards: done ? this.results : [],
      flowId: 'site-1',
    });
  }

  deleteCard(): Promise<RemovalResult> {
    return Promise.resolve('removed');
  }

  deleteProfile(): Promise<RemovalResult> {
    return Promise.resolve('removed');
  }

  async close(): Promise<void> {}
}
