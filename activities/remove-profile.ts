import type { BatchKey } from '../enrollment/batch.js';
import { Blob } from '../enrollment/blobs.js';
import type { Outcome } from '../enrollment/outcomes.js';
import type { ProfileAnswer } from '../enrollment/removal.js';
import { GatewayFailure } from '../mastercard/errors.js';
import { getJson } from '../store/store.js';
import type { ActivityDependencies } from './dependencies.js';
import { repeatableCall } from './repeatable-call.js';
import { readingBlobs, type Unreadable } from '../store/unreadable.js';

export interface RemoveProfileInput {
  batch: BatchKey;
  /** The position in the outcomes, from 0 on, of a card of the profile. */
  card: number;
  /** Of the last call about the batch: a site that does not know the profile yet would call it absent. */
  flowId?: string | undefined;
}

/**
 * Takes the profile of a card's consumer out of Click to Pay, unless other cards keep it. Safe to repeat.
 *
 * @throws ApplicationFailure of type GatewayUnavailable: Temporal retries, after `Retry-After` if given; of type
 *   ConfigurationInvalid, for another worker that knows the program.
 */
export function removeProfile({ store, program }: Pick<ActivityDependencies, 'store' | 'program'>) {
  return ({ batch, card, flowId }: RemoveProfileInput): Promise<ProfileAnswer | Unreadable> =>
    readingBlobs(async () => {
      const { api, gateway } = program(batch.program);
      const outcomes = await getJson<Outcome[]>(store, batch, Blob.outcomes);
      const srcConsumerId = outcomes[card]?.srcConsumerId;
      // A profile that Mastercard did not name is none that the batch made and can take back.
      if (srcConsumerId === undefined) return { kind: 'absent' };
      const result = await repeatableCall((correlationId, options) =>
        gateway.deleteProfile({ srcConsumerId, correlationId, flowId }, options),
      );
      if (!(result instanceof GatewayFailure)) return { kind: result };
      return result.kind === 'refused' && api.removal.isInUse(result)
        ? { kind: 'inUse' }
        : { kind: 'failed', message: result.message };
    });
}
