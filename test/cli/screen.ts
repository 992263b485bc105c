import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';

/** What is written to a terminal, or to where there is none. */
export class Screen extends PassThrough {
  readonly isTTY: boolean;
  columns = 120;
  rows = 24;
  written = '';
  constructor({ isTTY }: { isTTY: boolean }) {
    super();
    this.isTTY = isTTY;
    this.on('data', (chunk: Buffer) => (this.written += chunk.toString()));
  }
  cursorTo = () => true;
  moveCursor = () => true;
  clearLine = () => true;

  get stream(): NodeJS.WriteStream {
    return this as unknown as NodeJS.WriteStream;
  }

  /** The lines of the last time that the table was drawn. */
  get frame(): string[] {
    return stripVTControlCharacters(this.written.split('\u001B[?2026h').at(-1)!).split('\n');
  }
}
