/** What people did to batches and jobs during a run, and how often. */
export type Happening =
  | 'retried a rollback'
  | 'named a batchId'
  | 'had a batch sent again'
  | 'changed a policy'
  | 'polled'
  | 'terminated'
  | 'took a terminated batch back'
  | 'had Temporal forget a terminated batch'
  | 'swept a terminated batch'
  | 'enrolled a terminated batch again'
  | 'enrolled cards under a new id'
  | 'paused a job'
  | 'changed the limits of a job';

export class Events {
  readonly counts: Partial<Record<Happening, number>> = {};

  count(what: Happening): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }
}
