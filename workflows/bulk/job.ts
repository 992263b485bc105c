import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { C2pFailedRecords, C2pRecords, C2pStatus } from '../search-attributes.js';
import { refusalNote } from '../refusals.js';
import { Running } from '../waiting.js';
import { describeBulk } from './details.js';
import { jobProgressOf, jobStatusOf } from './progress.js';
import type { BulkState } from './state.js';

/** Work that goes on beside whatever else the job does; one of a kind at a time. */
type BesideWork = 'reading' | 'checking';

/** A job that runs. It hands over to a new run only when nothing goes on beside it. */
export class Job extends Running<BulkState> {
  private readonly beside = new Set<BesideWork>();
  private defect: unknown;

  constructor(state: BulkState) {
    super(state, {
      show: (now) => setCurrentDetails(describeBulk(jobProgressOf(now, Date.now())) + refusalNote()),
      publish: publishJob,
      historyLimit: state.order.historyLimit,
    });
  }

  /** Whether anything goes on beside it. */
  get isBusy(): boolean {
    return this.beside.size > 0;
  }

  isAt(work: BesideWork): boolean {
    return this.beside.has(work);
  }

  /** Begins work beside the job. */
  begin(work: BesideWork, doing: () => Promise<void>): void {
    this.beside.add(work);
    doing()
      .catch((error: unknown) => void (this.defect = error))
      .finally(() => this.beside.delete(work));
  }

  get hasDefect(): boolean {
    return this.defect !== undefined;
  }

  /** A programming error in work beside the job fails the workflow task, as everywhere. */
  throwDefect(): void {
    if (this.hasDefect) throw this.defect;
  }

  /** Whether its history is so long that this run begins nothing more: what goes on beside it ends first. */
  get isFull(): boolean {
    return this.hasLongHistory;
  }

  protected override get mayHandOver(): boolean {
    return !this.isBusy;
  }
}

/** Tells Temporal's search what the job has come to; seldom, since each time is an event. */
function publishJob(state: BulkState): void {
  const status = jobStatusOf(state);
  if (workflowInfo().typedSearchAttributes.get(C2pStatus) === status) return;
  const { cards, failed, invalid, unreported } = state.counts;
  upsertSearchAttributes([
    { key: C2pStatus, value: status },
    { key: C2pRecords, value: cards },
    { key: C2pFailedRecords, value: failed + invalid + unreported },
  ]);
}
