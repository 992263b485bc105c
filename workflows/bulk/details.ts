import { isBulkClosed } from '../../enrollment/bulk.js';
import { code, words } from '../markdown.js';
import type { BulkProgress } from './messages.js';

/** What the Web UI shows of a job, in Markdown: how far it is, what comes next, and whether an operator must act. */
export function describeBulk(progress: BulkProgress): string {
  const { counts, batches, rejects } = progress;
  const { cards, enrolled, failed, invalid, rolledBack, unreported, pending } = counts;
  return [
    `### ${progress.status}`,
    nextStep(progress),
    '',
    '| cards | enrolled | failed | invalid | rolled back | unreported | pending | rows rejected |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    `| ${[cards, enrolled, failed, invalid, rolledBack, unreported, pending, rejects].join(' | ')} |`,
    '',
    `- batches: ${batches.started} started, ${batches.inFlight} in flight${closedBatches(batches.byStatus)}`,
    ...facts(progress).map((fact) => `- ${fact}`),
    ...BLANK_END,
  ].join('\n');
}

/** The Web UI cuts off the last two lines of what it renders: these have nothing to read. */
const BLANK_END = ['', '&nbsp;'];

function nextStep({ bulkId, status, error }: BulkProgress): string {
  if (isBulkClosed(status)) {
    const how = error ? `**${words(error)}**` : 'Closed; cardholder data is erased';
    return `${how}. \`c2p bulk report ${bulkId}\` shows the outcome of every card.`;
  }
  switch (status) {
    case 'ENROLLING':
      return `No action needed. To start no further batch, run \`c2p bulk pause ${bulkId}\`.`;
    case 'PAUSED':
      return `**ACTION NEEDED**: run \`c2p bulk resume ${bulkId}\` to start further batches, or \`c2p bulk cancel ${bulkId}\`. Those in flight go on meanwhile.`;
    case 'FINISHING':
      return 'The job starts no further batch and waits for those in flight. No action needed.';
    case 'ROLLING_BACK':
      return 'The job cancels the batches in flight and takes back what the others enrolled. No action needed.';
  }
}

function closedBatches(byStatus: BulkProgress['batches']['byStatus']): string {
  return Object.entries(byStatus)
    .filter(([, batches]) => batches > 0)
    .map(([status, batches]) => `, ${batches} ${status}`)
    .join('');
}

function facts({ status, source, limits, onCancel, ...progress }: BulkProgress): string[] {
  const { cardsPerMinute, estimatedEndAt, reasons } = progress;
  const read = source.readShare === undefined ? '' : `: ${Math.floor(source.readShare * 100)} % read`;
  if (isBulkClosed(status)) return [`source ${code(source.name)}`, ...reasons.map(words)];
  const { maxBatchesInFlight, batchesPerMinute } = limits;
  const rate = batchesPerMinute === null ? '' : `, ${batchesPerMinute} started a minute`;
  return [
    `source ${code(source.name)}${read}`,
    `at most ${maxBatchesInFlight} batches in flight${rate}; on cancellation: ${onCancel}`,
    ...(cardsPerMinute === undefined ? [] : [`${cardsPerMinute} cards a minute`]),
    ...(estimatedEndAt === undefined ? [] : [`estimated end ${estimatedEndAt}`]),
    ...reasons.map(words),
  ];
}
