import { activityInfo } from '@temporalio/activity';
import type { BatchKey } from '../enrollment/batch.js';
import type { Outcome, OutcomeCounts } from '../enrollment/outcomes.js';
import {
  countRemovals,
  emptiedProfiles,
  removalFailed,
  rolledBack,
  withProfileFailure,
  type RemovalCounts,
} from '../enrollment/removal.js';
import { PROFILE_HAS_CARDS_REASON } from '../mastercard/contract.js';
import { GatewayFailure } from '../mastercard/errors.js';
import type { EnrollmentGateway } from '../mastercard/gateway.js';
import { failingClearly } from './failures.js';
import { whileHeartbeating } from './heartbeat.js';
import type { ActivityDependencies } from './dependencies.js';
import { RemovalLedger, type RemovalProgress } from './removal-ledger.js';
import { RepeatableCalls } from './repeatable-calls.js';

export interface RemoveCardsInput {
  batch: BatchKey;
  /** Why, as Mastercard is told: 1 to 255 characters. */
  reason: string;
  /** Of the last call about the batch: a site that does not know the cards yet would call them absent. */
  flowId?: string | undefined;
}

/** Of all cards of the batch, in however many attempts and executions it came about. */
export interface RemoveCardsResult extends RemovalCounts {
  counts: OutcomeCounts;
  /** Profiles that were left without a card of the batch and are gone: removed now, or already absent. */
  profilesRemoved: number;
  /** Profiles that should be gone and are not. Those that still have cards of other batches do not count. */
  profilesFailed: number;
}

/**
 * Takes back what a batch enrolled: every enrolled card, the last first, then the profiles that this
 * leaves without a card of the batch. The outcomes say card by card what came of it.
 *
 * It may be run as often as one likes: what is removed stays removed, and what could not be removed is
 * tried again. A card that cannot be removed does not hold up the others and fails nothing: it stays
 * `ENROLLED` and counts as `failed`. An attempt goes on where the one before it stopped.
 */
export function removeCards(deps: Pick<ActivityDependencies, 'store' | 'program'>) {
  return (input: RemoveCardsInput): Promise<RemoveCardsResult> =>
    failingClearly(async () => {
      const { gateway } = deps.program(input.batch.program);
      const calls = new RepeatableCalls();
      const progress = activityInfo().heartbeatDetails as RemovalProgress | undefined;
      const ledger = await RemovalLedger.open(deps.store, input.batch, progress);
      const removal = new Removal(gateway, calls, ledger, input);
      const profiles = await whileHeartbeating(
        () => removal.run(),
        () => ledger.progress,
      );
      return { counts: await ledger.counts(), ...countRemovals(ledger.outcomes), ...profiles };
    });
}

type ProfileCounts = Pick<RemoveCardsResult, 'profilesRemoved' | 'profilesFailed'>;

class Removal {
  constructor(
    private readonly gateway: EnrollmentGateway,
    private readonly calls: RepeatableCalls,
    private readonly ledger: RemovalLedger,
    private readonly input: RemoveCardsInput,
  ) {}

  async run(): Promise<ProfileCounts> {
    try {
      for (let card = this.ledger.next(); card; card = this.ledger.next()) {
        await this.ledger.settle(await this.removeCard(card));
      }
      await this.ledger.save();
      return await this.removeProfiles();
    } finally {
      // Also when the worker stops between two cards.
      await this.ledger.save();
    }
  }

  private async removeCard(card: Outcome): Promise<Outcome> {
    const { srcDigitalCardId } = card;
    if (srcDigitalCardId === undefined) {
      return removalFailed(card, 'Mastercard gave no srcDigitalCardId; ask Mastercard to remove the card');
    }
    const { reason, flowId } = this.input;
    const result = await this.calls.make((correlationId, options) =>
      this.gateway.deleteCard({ srcDigitalCardId, reason, correlationId, flowId }, options),
    );
    if (result instanceof GatewayFailure) return removalFailed(card, result.message);
    return rolledBack(card, result === 'removed' ? 'removed' : 'alreadyAbsent');
  }

  /** Few and quick: an attempt after a crash starts with the first again, and finds those done absent. */
  private async removeProfiles(): Promise<ProfileCounts> {
    const counts: ProfileCounts = { profilesRemoved: 0, profilesFailed: 0 };
    const { flowId } = this.input;
    for (const [srcConsumerId, cards] of emptiedProfiles(this.ledger.outcomes)) {
      const result = await this.calls.make((correlationId, options) =>
        this.gateway.deleteProfile({ srcConsumerId, correlationId, flowId }, options),
      );
      const failed = result instanceof GatewayFailure && !hasOtherCards(result);
      if (failed) counts.profilesFailed += 1;
      if (!(result instanceof GatewayFailure)) counts.profilesRemoved += 1;
      await this.ledger.amend(
        cards.map((card) => withProfileFailure(card, failed ? result.message : undefined)),
      );
    }
    return counts;
  }
}

/** Cards of other batches keep a profile, and that is as it should be. */
function hasOtherCards({ kind, reason, details }: GatewayFailure): boolean {
  const reasons = [reason, ...details.map((detail) => detail.reason)];
  return kind === 'refused' && reasons.includes(PROFILE_HAS_CARDS_REASON);
}
