import { batchesOf } from '../bulk/batches.js';
import { readLayout } from '../bulk/records.js';
import type { Position } from '../bulk/row-cutter.js';
import { cpuTime } from './alternating.js';
import { retainedBytes } from './memory.js';
import { portfolio, type PortfolioFormat } from './portfolio.js';
import { printFigure, printHeading, printRatio } from './report.js';

const SMALL_ROWS = 10_000;
const LARGE_BYTES = 1024 ** 3;
const MAX_CARDS = 250;
/** How often memory is looked at in one go through a file. */
const LOOKS = 20;
const BUDGET = { atMost: 1.2 };
const MIB = 1024 ** 2;

/**
 * Indexing of a portfolio of 1 GB beside one of ten thousand cards, both made while they are read: cards per
 * second of CPU time (which the making shares), and the most memory
 * that was in use, the whole process with it.
 */
export async function benchmarkReading(): Promise<void> {
  for (const format of ['jsonl', 'csv'] as const) {
    const rowBytes = (portfolio(format, 1_001).identity.size - portfolio(format, 1).identity.size) / 1_000;
    const largeRows = Math.ceil(LARGE_BYTES / rowBytes);
    await split(format, SMALL_ROWS);
    const small = await split(format, SMALL_ROWS);
    const large = await split(format, largeRows);
    printHeading(`Indexing of ${format === 'csv' ? 'CSV' : 'JSONL'}, ${Math.round(rowBytes)} bytes a card`);
    printFigure('1 GB, one core', large.cardsPerSecond, 'cards/s');
    printFigure(`memory, ${SMALL_ROWS.toLocaleString('en-US')} cards`, small.retained / MIB, 'MiB');
    printFigure(`memory, ${largeRows.toLocaleString('en-US')} cards (1 GB)`, large.retained / MIB, 'MiB');
    printRatio('memory, 1 GB / small', large.retained / small.retained, BUDGET);
  }
}

async function split(
  format: PortfolioFormat,
  rows: number,
): Promise<{ cardsPerSecond: number; retained: number }> {
  const source = portfolio(format, rows);
  const every = source.identity.size / LOOKS;
  let [cards, looks, retained, looking] = [0, 0, 0, 0];
  const look = ({ offset }: Position) => {
    if (offset < looks * every) return;
    looks += 1;
    const before = cpuTime();
    retained = Math.max(retained, retainedBytes());
    looking += cpuTime() - before;
  };
  const begun = cpuTime();
  const options = { layout: await readLayout(source), maxCardsPerBatch: MAX_CARDS };
  for await (const { batch, after } of batchesOf(source, options)) {
    cards += batch?.cards ?? 0;
    if (after) look(after);
  }
  if (cards !== rows) throw new Error('the benchmark must read every card');
  return { cardsPerSecond: (rows * 1_000) / (cpuTime() - begun - looking), retained };
}
