import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { benchmarkBatches } from './batches.js';
import { benchmarkBulk, LARGE_CARDS } from './bulk.js';
import { benchmarkEncryption } from './encryption.js';
import { benchmarkPayloads } from './payloads.js';
import { benchmarkReading } from './reading.js';
import { machine } from './report.js';
import { benchmarkValidation } from './validation.js';

/** `npm run bench [-- PART]`: the figures of one part, or of every part that takes a few minutes at most. */
const PARTS = {
  encryption: benchmarkEncryption,
  validation: benchmarkValidation,
  reading: benchmarkReading,
  payloads: benchmarkPayloads,
  batches: benchmarkBatches,
  bulk: () => benchmarkBulk(cards),
};
const ONLY_IF_ASKED: readonly string[] = ['bulk'];

const command = new Command('bench')
  .addArgument(
    new Argument('[part]', `what to measure (default: everything but ${ONLY_IF_ASKED.join(', ')})`).choices(
      Object.keys(PARTS),
    ),
  )
  .addOption(
    new Option('--cards <n>', 'of the job that bulk runs in full').argParser(parseCards).default(LARGE_CARDS),
  )
  .parse();
const [only] = command.processedArgs as [keyof typeof PARTS | undefined];
const { cards } = command.opts<{ cards: number }>();

console.log(machine());
for (const [part, measure] of Object.entries(PARTS)) {
  if (only === undefined ? !ONLY_IF_ASKED.includes(part) : only === part) await measure();
}

function parseCards(text: string): number {
  const cards = Number(text);
  if (!Number.isInteger(cards) || cards < 1)
    throw new InvalidArgumentError('must be a whole number from 1 on');
  return cards;
}
