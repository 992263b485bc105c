import type { ClosedStatus } from '../../enrollment/batch.js';

/** How far it is with taking back what a batch enrolled. */
export class Removal {
  private readonly failed = new Set<string>();
  /** By activity, what it asked Mastercard to remove last. */
  private readonly asked = new Map<string, string>();

  /** @param ending how the batch ends when everything is removed. */
  constructor(readonly ending: ClosedStatus) {}

  /** The last answer about a card or a profile counts. */
  wasAnswered(activity: string, id: string, removed: boolean): void {
    this.asked.set(activity, id);
    if (removed) this.failed.delete(id);
    else this.failed.add(id);
  }

  /** The answer is lost, and counts only if another attempt has one. */
  workerDied(activity: string): void {
    const id = this.asked.get(activity);
    if (id !== undefined) this.failed.add(id);
  }

  get hasFailed(): boolean {
    return this.failed.size > 0;
  }

  again(): Removal {
    return new Removal(this.ending);
  }
}
