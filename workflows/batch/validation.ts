import type { ValidateBatchResult } from '../../activities/index.js';
import { conclude } from './conclusion.js';
import { rejectedUnsent } from './ending.js';
import type { BatchState, In } from './state.js';

/** Validation has sorted the valid cards from the invalid ones; where nothing may be sent, the batch ends here. */
export function validated(before: In<'validating'>, result: ValidateBatchResult): BatchState {
  const { cards, validCards, invalidCards } = result;
  const counts = { ...before.counts, cards, pending: validCards, invalid: invalidCards };
  const state = { ...before, counts };
  if (validCards === 0) return conclude(state, rejectedUnsent(`all ${cards} cards are invalid`));
  if (invalidCards > 0 && state.policy.onInvalidRecords === 'rejectBatch') {
    const why = `${invalidCards} of ${cards} cards are invalid, and the policy is rejectBatch`;
    return conclude(state, rejectedUnsent(why));
  }
  return { ...state, stage: { name: 'encrypting', records: result.validated } };
}
