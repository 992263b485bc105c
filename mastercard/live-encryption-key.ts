import type { KeyObject } from 'node:crypto';
import { loadEncryptionKey, type EncryptionKeySource, type LoadedEncryptionKey } from './encryption-key.js';
import { recipientMark } from './jwe.js';
import { KeyError } from './key-material.js';

export interface EncryptionKeyEvents {
  /** The key is another one than before. */
  onChange?: (key: LoadedEncryptionKey) => void;
  /** It cannot be read, for a reason that was not told yet; what was read before is used. */
  onProblem?: (error: KeyError) => void;
}

interface Pace {
  /** How long what was read is taken for the newest (ms). */
  maxAgeMs: number;
  /** How long after a reading that failed, or that somebody asked for out of turn, the next one may come (ms). */
  cooldownMs: number;
}

/** Reading it costs less than the batch that is encrypted. */
const FILE: Pace = { maxAgeMs: 1_000, cooldownMs: 1_000 };
/** A set is a few kilobytes, and asked for six times an hour: too little for conditional requests to save anything. */
const KEY_SET: Pace = { maxAgeMs: 10 * 60_000, cooldownMs: 30_000 };

/**
 * Mastercard's key in a process that runs for long: it is read again when it has grown old, and when
 * there is reason to think that Mastercard has another one. While it cannot be read, what was read before
 * stays in use: whether it is still good is Mastercard's decision.
 */
export class LiveEncryptionKey {
  readonly #pace: Pace;
  #reading: Promise<void> | undefined;
  #key: LoadedEncryptionKey | undefined;
  #problem: KeyError | undefined;
  #readAt: number | undefined;
  #triedAt = -Infinity;
  #askedAt = -Infinity;

  private constructor(
    private readonly source: EncryptionKeySource,
    private readonly signingKey: KeyObject,
    private readonly events: EncryptionKeyEvents,
  ) {
    this.#pace = 'path' in source ? FILE : KEY_SET;
  }

  /**
   * @param signingKey the program's own, which it must not be.
   * @throws KeyError when the key is wrong. A key set that does not answer is reported as a problem: it may answer
   *   before the key is needed.
   */
  static async open(
    source: EncryptionKeySource,
    signingKey: KeyObject,
    events: EncryptionKeyEvents = {},
  ): Promise<LiveEncryptionKey> {
    const live = new LiveEncryptionKey(source, signingKey, events);
    await live.#readAgain();
    const problem = live.#problem;
    if (problem && problem.code !== 'KEY_SET_UNAVAILABLE') throw problem;
    return live;
  }

  /** When it was last read from where it is; nothing while it never could be. */
  get readAt(): Date | undefined {
    return this.#readAt === undefined ? undefined : new Date(this.#readAt);
  }

  /** Whether it is, for all that is known, the key that the configured `kid` names. */
  get fitsKid(): boolean {
    return this.#key !== undefined && !this.#key.kidInDoubt && this.#problem?.code !== 'KEY_ID_UNKNOWN';
  }

  /**
   * The key to encrypt to.
   * @param otherThan the mark (`recipientMark`) of a recipient that Mastercard may know no more: if it is still
   *   this one, the key is read again, though not at every call.
   * @throws KeyError when it could not be read yet.
   */
  async latest(otherThan?: string): Promise<LoadedEncryptionKey> {
    const { maxAgeMs, cooldownMs } = this.#pace;
    const isOld = this.#readAt === undefined || isOver(this.#readAt, maxAgeMs);
    const isDue = isOld && (this.#reading !== undefined || isOver(this.#triedAt, cooldownMs));
    const isSuspect =
      this.#key !== undefined && recipientMark(this.#key) === otherThan && isOver(this.#askedAt, cooldownMs);
    if (isSuspect) this.#askedAt = Date.now();
    if (isDue || isSuspect) await this.#readAgain();
    if (!this.#key) throw this.#problem!;
    return this.#key;
  }

  /** One reading at a time. */
  #readAgain(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #read(): Promise<void> {
    this.#triedAt = Date.now();
    const before = this.#key;
    try {
      this.#key = await loadEncryptionKey(this.source, this.signingKey);
    } catch (error) {
      if (!(error instanceof KeyError)) throw error;
      const known = this.#problem?.message === error.message;
      this.#problem = error;
      if (!known) this.events.onProblem?.(error);
      return;
    }
    this.#readAt = this.#triedAt;
    this.#problem = undefined;
    if (before && recipientMark(before) !== recipientMark(this.#key)) this.events.onChange?.(this.#key);
  }
}

/** By the clock of the wall, which goes on while a machine sleeps; one that was set back makes everything over. */
function isOver(since: number, limitMs: number): boolean {
  return Math.abs(Date.now() - since) > limitMs;
}
