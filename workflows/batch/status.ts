import type { BatchStatus, OpenStatus } from '../../enrollment/batch.js';
import type { BatchState, Stage } from './state.js';

/** The status that operators and search attributes show for each stage. */
export function statusOf({ stage }: Pick<BatchState, 'stage'>): BatchStatus {
  if (stage.name === 'closing') return stage.from;
  return stage.name === 'closed' ? stage.result.status : STATUSES[stage.name];
}

const STATUSES: Record<Exclude<Stage['name'], 'closing' | 'closed'>, OpenStatus> = {
  validating: 'VALIDATING',
  encrypting: 'ENCRYPTING',
  submitting: 'SUBMITTING',
  polling: 'PROCESSING',
  betweenRounds: 'PROCESSING',
  asking: 'AWAITING_OPERATOR',
  heldUp: 'AWAITING_OPERATOR',
  removing: 'ROLLING_BACK',
};
