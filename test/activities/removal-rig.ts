import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { removeCards, type RemoveCardsResult } from '../../activities/remove-cards.js';
import { Blob } from '../../enrollment/blobs.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import { GatewayFailure, type FailureKind } from '../../mastercard/errors.js';
import { KeyRing } from '../../protection/key-ring.js';
import { FilesystemStore } from '../../store/filesystem-store.js';
import { getJson, putJson, type BatchStore } from '../../store/store.js';
import type { ScriptedGateway } from '../support/scripted-gateway.js';

export const BATCH = { program: 'demo', externalBatchId: 'batch-1' };

/** One attempt at the activity. */
export interface Attempt {
  environment: MockActivityEnvironment;
  /** What each heartbeat said. */
  heartbeats: unknown[];
  result: Promise<RemoveCardsResult>;
}

/** A batch in a real store, and attempts to remove its cards. */
export class RemovalRig {
  private constructor(
    readonly store: BatchStore,
    private readonly folder: string,
  ) {}

  static async create(outcomes: readonly Outcome[]): Promise<RemovalRig> {
    const folder = await mkdtemp(join(tmpdir(), 'c2p-test-'));
    const keyRing = KeyRing.parse(KeyRing.generate(), 'test');
    const rig = new RemovalRig(new FilesystemStore({ root: folder, keyRing }), folder);
    await putJson(
      rig.store,
      BATCH,
      Blob.cards,
      outcomes.map(({ externalConsumerId, externalCardId }) => ({ externalConsumerId, externalCardId })),
    );
    await putJson(rig.store, BATCH, Blob.outcomes, outcomes);
    return rig;
  }

  /** Starts an attempt; `heartbeatDetails` are those of the attempt before it. */
  attempt(
    gateway: ScriptedGateway,
    { heartbeatDetails, store = this.store }: { heartbeatDetails?: unknown; store?: BatchStore } = {},
  ): Attempt {
    const environment = activityEnvironment({ heartbeatDetails });
    const heartbeats: unknown[] = [];
    environment.on('heartbeat', (details: unknown) => heartbeats.push(details));
    const activity = removeCards({
      store,
      program: () => ({
        gateway,
        recipient: () => Promise.reject(new Error('nothing is encrypted here')),
        contentEncryption: 'A128GCM',
        maxCardsPerBatch: 250,
        policy: {},
      }),
    });
    const input = { batch: BATCH, reason: 'ROLLBACK', flowId: 'site-7' };
    return { environment, heartbeats, result: environment.run(activity, input) };
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
    return rm(this.folder, { recursive: true, force: true });
  }
}

/** Where an activity runs; quiet about those that fail, as they are meant to. */
export function activityEnvironment(
  info: ConstructorParameters<typeof MockActivityEnvironment>[0] = {},
): MockActivityEnvironment {
  return new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });
}

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

/** `count` enrolled cards, 1 first. */
export function enrolledCards(count: number): Outcome[] {
  return Array.from({ length: count }, (_, index) => enrolled(index + 1));
}

/** The cards that Mastercard was asked to delete, in that order. */
export function cardsAsked(gateway: ScriptedGateway): string[] {
  return gateway.cardRemovals.map(({ srcDigitalCardId }) => srcDigitalCardId);
}

/** The profiles that Mastercard was asked to delete, in that order. */
export function profilesAsked(gateway: ScriptedGateway): string[] {
  return gateway.profileRemovals.map(({ srcConsumerId }) => srcConsumerId);
}

export function failure(kind: FailureKind, reason: string): GatewayFailure {
  return new GatewayFailure({ kind, operation: 'deleteCard', httpStatus: 400, reason });
}
