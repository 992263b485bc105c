export interface BrakeOptions {
  /** What Mastercard agreed to. */
  requestsPerSecond: number;
  /** Told that Mastercard had the program slow down, each time. */
  onSlowed?: ((slowed: Slowed) => void) | undefined;
  /** Told at the first call that may be made at the agreed rate again. */
  onRecovered?: (() => void) | undefined;
}

export interface Slowed {
  /** How long nothing is sent (ms). */
  pauseMs: number;
  /** The rate after that, which then grows. */
  requestsPerSecond: number;
}

/** Without a `Retry-After` the pause is the first; each that follows without an answer in between doubles it. */
const PAUSE_MS = { first: 2_000, longest: 60_000 };

/** In which the rate grows from nothing to what was agreed; so from its half in half of that. */
const RECOVERY_MS = 3 * 60_000;

/** The rate never falls below this share of what was agreed. */
const LOWEST_SHARE = 1 / 32;

/** Calls do not fall evenly on the workers: a tenth more than its part keeps a worker's calls from queueing up. */
const ABOVE_PART = 1.1;

/**
 * When the calls of one program may start, in one process: evenly spaced at the agreed rate, or at the part of it
 * that {@link Brake.shareAmong} leaves to this process. When Mastercard says that it is too much, nothing is sent for as long as it asks, the rate is halved, and then grows
 * steadily back (additive increase, multiplicative decrease, as TCP does it, RFC 5681).
 */
export class Brake {
  private rateAtResumption: number;
  private resumesAt = -Infinity;
  /** The earliest time of the next call. */
  private due = -Infinity;
  /** The wait that the last refused caller got. */
  private promised = -Infinity;
  private slowedAt = -Infinity;
  private slowed = false;
  /** How often in a row it was too much. */
  private strikes = 0;
  /** Turns that were given before Mastercard last said so do not count any more. */
  private epoch = 0;
  private workers = 1;

  constructor(private readonly options: BrakeOptions) {
    this.rateAtResumption = options.requestsPerSecond;
  }

  /** The rate at which calls may start now; 0 during a pause. */
  get requestsPerSecond(): number {
    const now = performance.now();
    return now < this.resumesAt ? 0 : this.rateAt(now);
  }

  /** How many workers, this one among them, call for the program: together they keep to the agreed rate. */
  shareAmong(workers: number): void {
    this.workers = workers;
  }

  /**
   * Waits for the caller's turn, in the order of those who ask.
   * @param patienceMs how long at most.
   * @returns 0 when it is the caller's turn; otherwise, at once, after how many milliseconds to ask again.
   *   Refused callers get different times, so that they do not all come back at once.
   * @throws AbortError when the signal ends the wait.
   */
  async turn(patienceMs: number, signal?: AbortSignal): Promise<number> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      signal?.throwIfAborted();
      const now = performance.now();
      const start = Math.max(now, this.due);
      const interval = 1_000 / this.rateAt(start);
      if (start > deadline) {
        this.promised = Math.max(start, this.promised + interval);
        return Math.ceil(this.promised - now);
      }
      const { epoch } = this;
      this.due = start + interval;
      if (start > now) await sleep(Math.ceil(start - now), signal);
      if (epoch === this.epoch) break;
    }
    if (this.slowed && this.rateAt(performance.now()) >= this.part) {
      this.slowed = false;
      this.options.onRecovered?.();
    }
    return 0;
  }

  /** Mastercard took a call that started then (`performance.now()`): it was not too much. */
  passed(startedAt: number): void {
    if (startedAt >= this.resumesAt) this.strikes = 0;
  }

  /**
   * Mastercard did not take a call because there were too many. Those that were on their way when it said
   * so the first time slow nothing further; what they say of the pause counts.
   * @param startedAt when the call started (`performance.now()`).
   * @param retryAfterMs what Mastercard asks for.
   */
  throttled(startedAt: number, retryAfterMs?: number): void {
    const now = performance.now();
    const anew = startedAt > this.slowedAt;
    if (anew) {
      this.rateAtResumption = Math.max(this.rateAt(now) / 2, this.part * LOWEST_SHARE);
      this.slowedAt = now;
      this.strikes += 1;
    }
    const grown = Math.min(PAUSE_MS.first * 2 ** (this.strikes - 1), PAUSE_MS.longest);
    const resumesAt = now + (retryAfterMs ?? (anew ? grown : 0));
    if (!anew && resumesAt <= this.resumesAt) return;
    this.resumesAt = Math.max(this.resumesAt, resumesAt);
    this.due = this.resumesAt;
    this.epoch += 1;
    this.slowed = true;
    this.options.onSlowed?.({
      pauseMs: Math.round(this.resumesAt - now),
      requestsPerSecond: this.rateAtResumption,
    });
  }

  /** Of the agreed rate, what this process may have. */
  private get part(): number {
    return this.options.requestsPerSecond * Math.min(1, ABOVE_PART / this.workers);
  }

  private rateAt(time: number): number {
    const grown = (this.part * Math.max(0, time - this.resumesAt)) / RECOVERY_MS;
    return Math.min(this.part, this.rateAtResumption + grown);
  }
}

/** @throws what the signal was aborted with, as soon as it is. */
function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
