import { keyProvider, type KeyProviderOptions } from './choose-key-provider.js';
import type { KeyProvider } from './key-provider.js';
import { KeyRingError, parseKeyRing } from './key-ring-json.js';
import { KeyRing, type KeyRingSource } from './key-ring.js';

/** For how long a process whose key ring cannot be read any more goes on sealing with what it has (ms). */
const SEALS_UNCHECKED_MS = 10 * 60_000;

/**
 * How long a key must have been out of use before it may be retired (ms): nobody seals under it any
 * longer, with some minutes for clocks that differ.
 */
export const RETIREMENT_WAIT_MS = 15 * 60_000;

export interface KeyRingEvents {
  /** The key ring is another one now. */
  onChange?: (ring: KeyRing) => void;
  /** It cannot be read; what was read before is used until it is too old. */
  onProblem?: (error: KeyRingError) => void;
}

/**
 * The key ring of a process that runs for long: it is read again when it has grown old, and at once when
 * something is sealed under a key that it does not know. So keys are added, exchanged and retired without
 * restarting anything.
 */
export class LiveKeyRing implements KeyRingSource {
  #reading: Promise<void> | undefined;
  #triedAt: number;
  #readAt: number;

  private constructor(
    private readonly provider: KeyProvider,
    private readonly events: KeyRingEvents,
    private text: string,
    private ring: KeyRing,
  ) {
    this.#triedAt = this.#readAt = Date.now();
  }

  /** @throws KeyRingError when there is none to begin with. */
  static async open(provider: KeyProvider, events: KeyRingEvents = {}): Promise<LiveKeyRing> {
    const text = await provider.read();
    return new LiveKeyRing(provider, events, text, ringOf(text, provider));
  }

  /** When it was last read from where it is. */
  get readAt(): Date {
    return new Date(this.#readAt);
  }

  /**
   * The key ring to seal with.
   * @throws KeyRingError when it could not be read for so long that its current key may have been retired.
   */
  async latest(): Promise<KeyRing> {
    if (isOlder(this.#triedAt, this.provider.maxAgeMs)) {
      const problem = await this.#readAgain();
      if (problem && isOlder(this.#readAt, SEALS_UNCHECKED_MS)) throw problem;
    }
    return this.ring;
  }

  /** The key ring to open with what is sealed under this key. It has the key, unless nobody has it. */
  async knowing(keyId: string): Promise<KeyRing> {
    if (this.ring.knows(keyId)) return this.ring;
    // A reading that is under way may have begun before the key was added.
    const early = this.#reading !== undefined;
    await this.#readAgain();
    if (early && !this.ring.knows(keyId)) await this.#readAgain();
    return this.ring;
  }

  atHand(): KeyRing {
    return this.ring;
  }

  /** One reading at a time. Gives the problem, if there is one. */
  async #readAgain(): Promise<KeyRingError | undefined> {
    let problem: KeyRingError | undefined;
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    await this.#reading.catch((error: unknown) => {
      if (!(error instanceof KeyRingError)) throw error;
      problem = error;
    });
    return problem;
  }

  async #read(): Promise<void> {
    this.#triedAt = Date.now();
    try {
      const text = await this.provider.read();
      if (text !== this.text) {
        this.ring = ringOf(text, this.provider);
        this.text = text;
        this.events.onChange?.(this.ring);
      }
      this.#readAt = this.#triedAt;
    } catch (error) {
      if (error instanceof KeyRingError) this.events.onProblem?.(error);
      throw error;
    }
  }
}

/** Opens the key ring that the configuration's `dataKeys` says. @throws KeyRingError */
export function openKeyRing(options: KeyProviderOptions, events?: KeyRingEvents): Promise<LiveKeyRing> {
  return LiveKeyRing.open(keyProvider(options), events);
}

/** By the clock of the wall, which goes on while a machine sleeps; one that was set back makes everything old. */
function isOlder(time: number, limitMs: number): boolean {
  const age = Date.now() - time;
  return age < 0 || age > limitMs;
}

function ringOf(text: string, { source }: KeyProvider): KeyRing {
  return KeyRing.parse(parseKeyRing(text, source), source);
}
