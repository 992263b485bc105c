import type { MockActivityEnvironment } from '@temporalio/testing';
import { listEnrolled } from '../../activities/list-enrolled.js';
import {
  recordRemovals,
  type RecordedRemovals,
  type RecordRemovalsInput,
} from '../../activities/record-removals.js';
import { removeCard } from '../../activities/remove-card.js';
import { removeProfile } from '../../activities/remove-profile.js';
import type { Unreadable } from '../../store/unreadable.js';
import { Blob } from '../../enrollment/blobs.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import type { ProfileAnswer, RemovalAnswer } from '../../enrollment/removal.js';
import type { FailureKind } from '../../mastercard/api/failures.js';
import { GatewayFailure, type FailureFacts } from '../../mastercard/errors.js';
import { getJson, putJson } from '../../store/store.js';
import type { ScriptedGateway } from '../support/scripted-gateway.js';
import { DamagedStore } from '../support/damaged-store.js';
import { activityEnvironment } from './environment.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

export const BATCH = { program: 'demo', externalBatchId: 'batch-1' };

/** A batch in a real store, and the activities that take its cards back. */
export class RemovalRig {
  private constructor(readonly store: DamagedStore) {}

  static async create(outcomes: readonly Outcome[]): Promise<RemovalRig> {
    const rig = new RemovalRig(await DamagedStore.create());
    const cards = outcomes.map(({ externalConsumerId, externalCardId }) => ({
      externalConsumerId,
      externalCardId,
    }));
    await putJson(rig.store, BATCH, Blob.cards, cards);
    await putJson(rig.store, BATCH, Blob.outcomes, outcomes);
    return rig;
  }

  async list(): Promise<number[]> {
    const listed = await listEnrolled({ store: this.store })({ batch: BATCH });
    if (listed.kind === 'unreadable') throw new Error(listed.message);
    return listed.cards;
  }

  removeCard(
    gateway: ScriptedGateway,
    card: number,
    environment = activityEnvironment(),
  ): Promise<RemovalAnswer | Unreadable> {
    const activity = removeCard(this.deps(gateway));
    return environment.run(() => activity({ batch: BATCH, card, reason: 'other', flowId: 'site-7' }));
  }

  removeProfile(
    gateway: ScriptedGateway,
    card: number,
    environment = activityEnvironment(),
  ): Promise<ProfileAnswer | Unreadable> {
    const activity = removeProfile(this.deps(gateway));
    return environment.run(() => activity({ batch: BATCH, card, flowId: 'site-7' }));
  }

  async record(input: Omit<RecordRemovalsInput, 'batch'>): Promise<RecordedRemovals> {
    const recorded = await recordRemovals({ store: this.store })({ batch: BATCH, ...input });
    if (recorded.kind === 'unreadable') throw new Error(recorded.message);
    return recorded;
  }

  outcomes(): Promise<Outcome[]> {
    return getJson<Outcome[]>(this.store, BATCH, Blob.outcomes);
  }

  /** The outcomes in one line a card: its id, its status, the codes of its details. */
  async summary(): Promise<string[]> {
    return (await this.outcomes()).map(
      ({ externalCardId, status, details = [] }) =>
        `${externalCardId} ${[status, ...details.map(({ code }) => code)].join(' ')}`,
    );
  }

  close(): Promise<void> {
    return this.store.erase();
  }

  private deps(gateway: ScriptedGateway) {
    const program = () => ({
      gateway,
      recipient: () => Promise.reject(new Error('nothing is encrypted here')),
      contentEncryption: 'A128GCM' as const,
      maxCardsPerBatch: 250,
      api: batchEnroll,
      policy: {},
    });
    return { store: this.store, program };
  }
}

/** A call of an activity, and what is promised of each: the same for cards and for profiles. */
export type RemovalCall = (
  rig: RemovalRig,
  answer: GatewayFailure | (() => never) | 'removed' | 'absent',
  environment?: MockActivityEnvironment,
) => Promise<unknown>;

/** The `n`th card, enrolled; each has a consumer of its own unless told otherwise. */
export function enrolled(n: number, changes: Partial<Outcome> = {}): Outcome {
  return {
    externalConsumerId: `cust-${n}`,
    externalCardId: `card-${n}`,
    status: 'ENROLLED',
    round: 1,
    srcConsumerId: `src-${n}`,
    srcDigitalCardId: `dig-${n}`,
    ...changes,
  };
}

export function failure(
  kind: FailureKind,
  reason: string,
  facts: Partial<FailureFacts> = {},
): GatewayFailure {
  return new GatewayFailure({ kind, operation: 'deleteCard', httpStatus: 400, reason, ...facts });
}
