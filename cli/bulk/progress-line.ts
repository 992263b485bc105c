import ms from 'ms';
import type { BulkView } from '../../client/bulk-enrollment.js';
import { isBulkClosed } from '../../enrollment/bulk.js';
import { counted, countsLine } from '../output.js';

/** One line that says where a bulk job is, how fast it is, and what is wrong. */
export function bulkLine(progress: BulkView, now = Date.now()): string {
  const { status, counts, batches, rejects, cardsPerMinute, error } = progress;
  const left = leftText(progress, now);
  return [
    status,
    countsLine(counts),
    ...(rejects > 0 ? [`${counted(rejects, 'row')} rejected`] : []),
    ...(batches && !isBulkClosed(status)
      ? [`${counted(batches.started, 'batch', 'es')} started, ${batches.inFlight} in flight`]
      : []),
    ...(cardsPerMinute === undefined ? [] : [`${counted(cardsPerMinute, 'card')} a minute`]),
    ...(left === undefined ? [] : [left]),
    ...(error ? [error] : []),
  ].join(' · ');
}

const BAR_CELLS = 30;

/** `█████░░░░░ 50 % of about 200000 cards`; nothing where it cannot be told how many cards there are. */
export function bulkBar({ counts, source }: BulkView): string | undefined {
  const share = source?.isReadToEnd ? 1 : source?.readShare;
  if (!share) return undefined;
  const cards = Math.round(counts.cards / share);
  if (cards === 0) return undefined;
  const done = (counts.cards - counts.pending) / cards;
  const cells = Math.floor(done * BAR_CELLS);
  const about = share < 1 ? 'about ' : '';
  return `${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)} ${Math.floor(done * 100)} % of ${about}${counted(cards, 'card')}`;
}

/** `about 17 minutes left` */
function leftText({ estimatedEndAt }: BulkView, now: number): string | undefined {
  if (estimatedEndAt === undefined) return undefined;
  return `about ${ms(Math.max(1_000, Date.parse(estimatedEndAt) - now), { long: true })} left`;
}
