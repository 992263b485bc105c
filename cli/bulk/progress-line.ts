import ms from 'ms';
import type { BulkView } from '../../client/bulk-enrollment.js';
import { isBulkClosed } from '../../enrollment/bulk.js';
import { counted, countsLine } from '../output.js';

/** One line that says where a bulk job is, how fast it is, and what is wrong. */
export function bulkLine(progress: BulkView, now = Date.now()): string {
  return joined([...stateOf(progress), ...paceOf(progress, now), progress.error]);
}

/** The same as two lines: first how much is done and how fast, where that is known, then the rest. */
export function bulkLines(progress: BulkView, now = Date.now()): string[] {
  const pace = joined([bulkBar(progress), ...paceOf(progress, now)]);
  return [pace, joined([...stateOf(progress), progress.error])].filter((line) => line !== '');
}

type Part = string | false | undefined;

function joined(parts: readonly Part[]): string {
  return parts.filter(Boolean).join(' · ');
}

function stateOf({ status, counts, batches, rejects }: BulkView): Part[] {
  return [
    status,
    countsLine(counts),
    rejects > 0 && `${counted(rejects, 'row')} rejected`,
    batches &&
      !isBulkClosed(status) &&
      `${counted(batches.started, 'batch', 'es')} started, ${batches.inFlight} in flight`,
  ];
}

function paceOf({ cardsPerMinute, estimatedEndAt }: BulkView, now: number): Part[] {
  return [
    cardsPerMinute !== undefined && `${counted(cardsPerMinute, 'card')} a minute`,
    estimatedEndAt !== undefined &&
      `about ${ms(Math.max(1_000, Date.parse(estimatedEndAt) - now), { long: true })} left`,
  ];
}

const BAR_CELLS = 30;

/** `█████░░░░░ 50 % of about 200000 cards`; nothing where the number of cards is unknown. */
function bulkBar({ counts, source }: BulkView): string | undefined {
  const share = source?.isReadToEnd ? 1 : source?.readShare;
  if (!share) return undefined;
  const cards = Math.round(counts.cards / share);
  if (cards === 0) return undefined;
  const done = (counts.cards - counts.pending) / cards;
  const cells = Math.floor(done * BAR_CELLS);
  const about = share < 1 ? 'about ' : '';
  return `${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)} ${Math.floor(done * 100)} % of ${about}${counted(cards, 'card')}`;
}
