import type { BatchStatus } from '../../enrollment/batch.js';

/** How far it is with taking back what a batch enrolled. */
export class Removal {
  private readonly failed = new Set<string>();

  /** @param endings how the batch may end when everything is removed. */
  constructor(readonly endings: readonly BatchStatus[]) {}

  /** The last answer about a card or a profile counts. */
  wasAnswered(id: string, removed: boolean): void {
    if (removed) this.failed.delete(id);
    else this.failed.add(id);
  }

  get hasFailed(): boolean {
    return this.failed.size > 0;
  }

  again(): Removal {
    return new Removal(this.endings);
  }
}
