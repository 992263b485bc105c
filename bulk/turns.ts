import { setImmediate } from 'node:timers/promises';

/** How long work may keep everything else of its process waiting: heartbeats, polls and other batches (ms). */
const TURN_MS = 20;

/** Divides long work into turns, so that the event loop goes on between them. */
export class Turns {
  #began = performance.now();

  /** Whether it is time to let others have their turn: then `await` {@link Turns.next}. */
  get isOver(): boolean {
    return performance.now() - this.#began > TURN_MS;
  }

  async next(): Promise<void> {
    await setImmediate();
    this.#began = performance.now();
  }
}
