/** A place between two rows: all before it is accounted for, and reading may go on from there. */
export interface Position {
  /** In bytes, decompressed, counted from 0. */
  offset: number;
  /** The line that begins there, counted from 1. */
  line: number;
}

/** The beginning of a source. */
export const BEGINNING: Position = { offset: 0, line: 1 };

/** The bytes that may be one row; whether they are is for its parser to say. */
export interface Row {
  start: Position;
  /** Where the next row begins. */
  end: Position;
  /** Without the line break at its end; empty when it is too long. */
  bytes: Buffer;
  tooLong: boolean;
}

export interface CutterOptions {
  start: Position;
  /** Whether a line break between quotes belongs to the row (CSV). */
  quotes: boolean;
  /** The longest row, in bytes. */
  maxBytes: number;
}

const [QUOTE, LF, CR] = [0x22, 0x0a, 0x0d];
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const NOTHING = Buffer.alloc(0);

/**
 * Cuts bytes into rows, however they arrive: it holds one row and one block at most.
 *
 * A row ends at LF, CRLF, lone CR, or with the bytes; one of CSV only where the quotes before it are even
 * in number, which in a well-formed row is where no field is open. A row that turns out to be malformed is
 * to be given up to the end of its first line only (`afterFirstLine`): an opening quote without its closing
 * one would else take the rows behind it along. One that is longer than it may be is given up so at once.
 * A byte order mark at offset 0 belongs to no row.
 */
export class RowCutter {
  readonly #quotes: boolean;
  readonly #maxBytes: number;
  #window: Buffer = NOTHING;
  /** In the window. */
  #at = 0;
  /** Follow the window. */
  #coming: Buffer[] = [];
  #comingBytes = 0;
  #position: Position;
  #ended = false;
  /** Whether the window holds no whole row any more. */
  #exhausted = true;
  /** Whether what comes belongs to a line that was given up. */
  #skipping = false;
  #markPassed: boolean;

  constructor({ start, quotes, maxBytes }: CutterOptions) {
    this.#position = start;
    this.#quotes = quotes;
    this.#maxBytes = maxBytes;
    this.#markPassed = start.offset > 0;
  }

  /** Where the next row begins. */
  get position(): Position {
    return this.#position;
  }

  /** The bytes that follow; rows that were cut before keep theirs. */
  push(bytes: Buffer): void {
    this.#coming.push(bytes);
    this.#comingBytes += bytes.length;
    // A row that comes in many small blocks is not to be copied and searched anew with each.
    if (this.#comingBytes >= this.#window.length - this.#at) this.#extend();
  }

  /** No more bytes follow: what is left is a row. */
  end(): void {
    this.#ended = true;
    this.#extend();
  }

  #extend(): void {
    const rest = this.#window.subarray(this.#at);
    this.#window = Buffer.concat([rest, ...this.#coming]);
    this.#at = 0;
    this.#coming = [];
    this.#comingBytes = 0;
    this.#exhausted = false;
  }

  /** The next row; nothing while more bytes are needed for it, or when there are no more. */
  next(): Row | undefined {
    if (this.#exhausted) return undefined;
    const row = this.#cut();
    this.#exhausted = row === undefined;
    return row;
  }

  #cut(): Row | undefined {
    if (!this.#passMark() || !this.#skipLine()) return undefined;
    const start = this.#position;
    const found = this.#endOfRow(this.#quotes);
    if (found ? found.content - this.#at > this.#maxBytes : this.#held() > this.#maxBytes) {
      this.#skipping = true;
      this.#skipLine();
      return { start, end: this.#position, bytes: NOTHING, tooLong: true };
    }
    if (!found) return undefined;
    const bytes = this.#window.subarray(this.#at, found.content);
    this.#moveTo(found.next, found.lines);
    return { start, end: this.#position, bytes, tooLong: false };
  }

  /** What stands from one row to before another; only of what was cut since the last push. */
  between(from: Position, to: Position): Buffer {
    return this.#window.subarray(this.#indexOf(from), this.#indexOf(to));
  }

  /** Goes back to a line of what was cut since the last push. */
  goBack(position: Position): void {
    this.#at = this.#indexOf(position);
    this.#position = position;
    this.#skipping = false;
    this.#exhausted = false;
  }

  #indexOf({ offset }: Position): number {
    return this.#at + offset - this.#position.offset;
  }

  #held(): number {
    const undecided = !this.#ended && this.#window.at(-1) === CR ? 1 : 0;
    return this.#window.length - this.#at - undecided;
  }

  #passMark(): boolean {
    if (this.#markPassed) return true;
    if (this.#window.length < BYTE_ORDER_MARK.length && !this.#ended) return false;
    this.#markPassed = true;
    if (this.#window.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK))
      this.#moveTo(BYTE_ORDER_MARK.length, 0);
    return true;
  }

  /** @returns whether a row begins here. */
  #skipLine(): boolean {
    if (!this.#skipping) return true;
    const found = this.#endOfRow(false);
    if (found) {
      this.#moveTo(found.next, found.lines);
      this.#skipping = false;
    } else this.#moveTo(this.#at + this.#held(), 0);
    return !this.#skipping;
  }

  #moveTo(at: number, lines: number): void {
    const { offset, line } = this.#position;
    this.#position = { offset: offset + at - this.#at, line: line + lines };
    this.#at = at;
  }

  /** Where in the window the row ends and the next one begins, and how many lines it has. */
  #endOfRow(quotes: boolean): { content: number; next: number; lines: number } | undefined {
    const window = this.#window;
    let open = false;
    let lines = 0;
    for (let at = this.#at; at < window.length; at += 1) {
      const byte = window[at];
      if (byte === QUOTE && quotes) open = !open;
      if (byte !== LF && byte !== CR) continue;
      // What follows the block may be the LF of a CRLF.
      if (byte === CR && at + 1 === window.length && !this.#ended) return undefined;
      lines += 1;
      const next = afterBreak(window, at);
      if (!open) return { content: at, next, lines };
      at = next - 1;
    }
    if (!this.#ended || this.#at === window.length) return undefined;
    return { content: window.length, next: window.length, lines: lines + 1 };
  }
}

function afterBreak(bytes: Buffer, at: number): number {
  return bytes[at] === CR && bytes[at + 1] === LF ? at + 2 : at + 1;
}

/** Where the line after a row's first one begins: for most rows, the next row. */
export function afterFirstLine({ start, end, bytes }: Row): Position {
  if (end.line - start.line <= 1) return end;
  const at = bytes.findIndex((byte) => byte === LF || byte === CR);
  return at < 0 ? end : { offset: start.offset + afterBreak(bytes, at), line: start.line + 1 };
}
