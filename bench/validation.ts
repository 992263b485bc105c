import { validateRecords } from '../enrollment/validation.js';
import { batchEnroll } from '../mastercard/api/batch-enroll.js';
import { cpuTime, measureAlternating, median } from './alternating.js';
import { benchRecords, TODAY } from './data.js';
import { printFigure, printHeading } from './report.js';

const CARDS = 250;
const BUDGET = { atLeast: 30_000 };

/** Validation of one full batch after another, per second of CPU time: that is what one core can do. */
export async function benchmarkValidation(): Promise<void> {
  const records = benchRecords(CARDS);
  const { validCards } = validateRecords(records, batchEnroll.records, TODAY);
  if (validCards !== CARDS) throw new Error('the benchmark must measure valid cards');
  const rates = await measureAlternating(
    { ours: () => validateRecords(records, batchEnroll.records, TODAY) },
    { rounds: 25, sliceMs: 100, now: cpuTime },
  );
  printHeading(`Validation of batches of ${CARDS} cards`);
  printFigure('c2p, one core', median(rates.ours) * CARDS, 'cards/s', BUDGET);
}
