import type { Operation } from '../../simulator/index.js';
import type { Answer } from './answers.js';
import type { Death } from './scenario.js';

/** What is going to happen to a batch: the next calls and activities of a kind take it, each once. */
export class Troubles {
  private readonly answers = new Map<Operation, Answer[]>();
  private readonly deaths: Death[] = [];
  private readonly cancellations = new Set<Operation>();

  /** The next call of this kind that is not answered otherwise already is answered so. */
  willAnswer(op: Operation, ...answers: Answer[]): void {
    this.answers.set(op, [...(this.answers.get(op) ?? []), ...answers]);
  }

  takeAnswer(op: Operation): Answer | undefined {
    return this.answers.get(op)?.shift();
  }

  /** The worker dies in the next attempt at an activity of this type. */
  willDie(death: Death): void {
    this.deaths.push(death);
  }

  takeDeath(activityType: string): Death['when'] | undefined {
    const index = this.deaths.findIndex(({ activity }) => activity === activityType);
    return index < 0 ? undefined : this.deaths.splice(index, 1)[0]?.when;
  }

  /** The batch is cancelled while the next call of this kind is under way. */
  willCancelDuring(op: Operation): void {
    this.cancellations.add(op);
  }

  takeCancellation(op: Operation): boolean {
    return this.cancellations.delete(op);
  }

  clear(): void {
    this.answers.clear();
    this.deaths.length = 0;
    this.cancellations.clear();
  }
}
