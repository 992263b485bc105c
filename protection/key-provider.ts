/** Where a process has its key ring from. What it reads may change while the process runs. */
export interface KeyProvider {
  /** For messages. */
  readonly source: string;
  /** How long what was read is taken for the newest (ms). */
  readonly maxAgeMs: number;
  /**
   * The text of the key ring, JSON as `KeyRingJson` says.
   * @throws KeyRingError
   */
  read(): Promise<string>;
}
