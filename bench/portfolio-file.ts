import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { portfolio } from './portfolio.js';

/**
 * Writes a portfolio of so many cards, one a consumer, as JSONL.
 * @returns the file's name in the folder.
 */
export async function writePortfolio(folder: string, cards: number): Promise<string> {
  const source = portfolio('jsonl', cards);
  const name = `portfolio-${cards}.jsonl`;
  await pipeline(Readable.from(source.read(0)), createWriteStream(join(folder, name)));
  return name;
}
