import type { Fault, Operation } from './faults.js';

/** One call of the API. */
export interface LoggedRequest {
  /** ISO 8601, by the simulator's clock. */
  at: string;
  operation: Operation;
  /** HTTP status answered, or `dropped` if the connection was broken instead. */
  status: number | 'dropped';
  /** The fault that it met. */
  fault?: Fault['kind'];
  /** Whether the caller sent `X-Src-Cx-Flow-Id`: none, one that came from here, or another. */
  flowId: 'absent' | 'returned' | 'foreign';
}

const MOST = 10_000;

/** The last 10,000 calls. */
export class RequestLog {
  private entries: LoggedRequest[] = [];

  add(entry: LoggedRequest): void {
    this.entries.push(entry);
    if (this.entries.length > 2 * MOST) this.entries = this.entries.slice(-MOST);
  }

  list(): LoggedRequest[] {
    return this.entries.slice(-MOST);
  }
}
