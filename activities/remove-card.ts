import type { BatchKey } from '../enrollment/batch.js';
import { Blob } from '../enrollment/blobs.js';
import type { Outcome } from '../enrollment/outcomes.js';
import type { RemovalReason } from '../enrollment/policy.js';
import { howItIsOut, type RemovalAnswer } from '../enrollment/removal.js';
import { GatewayFailure } from '../mastercard/errors.js';
import { getJson } from '../store/store.js';
import type { ActivityDependencies } from './dependencies.js';
import { repeatableCall } from './repeatable-call.js';
import { readingBlobs, type Unreadable } from '../store/unreadable.js';

export interface RemoveCardInput {
  batch: BatchKey;
  /** Its position in the outcomes, from 0 on. */
  card: number;
  /** Why, for Mastercard. */
  reason: RemovalReason;
  /** Of the last call about the batch: a site that does not know the card yet would call it absent. */
  flowId?: string | undefined;
}

/**
 * Takes one enrolled card out of Click to Pay. Safe to repeat: Mastercard then says that it is absent, and a card
 * that is recorded as out is not asked for. What Mastercard refuses is a result, for it stays refused.
 *
 * @throws ApplicationFailure of type GatewayUnavailable: Temporal retries, after `Retry-After` if given; of type
 *   ConfigurationInvalid, for another worker that knows the program.
 */
export function removeCard({ store, program }: Pick<ActivityDependencies, 'store' | 'program'>) {
  return ({ batch, card, reason, flowId }: RemoveCardInput): Promise<RemovalAnswer | Unreadable> =>
    readingBlobs(async () => {
      const { gateway } = program(batch.program);
      const outcome = (await getJson<Outcome[]>(store, batch, Blob.outcomes))[card];
      if (!outcome) return { kind: 'failed', message: `the batch has no outcome at position ${card}` };
      if (outcome.status !== 'ENROLLED') return howItIsOut(outcome);
      const { srcDigitalCardId } = outcome;
      if (srcDigitalCardId === undefined) return { kind: 'failed', message: NO_ID };
      const result = await repeatableCall((correlationId, options) =>
        gateway.deleteCard({ srcDigitalCardId, reason, correlationId, flowId }, options),
      );
      if (result instanceof GatewayFailure) return { kind: 'failed', message: result.message };
      return { kind: result };
    });
}

const NO_ID =
  'Mastercard enrolled the card and gave no srcDigitalCardId, without which it cannot be removed: ask Mastercard ' +
  'to remove it, naming its externalConsumerId and externalCardId';
