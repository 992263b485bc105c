import { createHash, randomUUID } from 'node:crypto';
import { ApiError } from './api-error.js';
import type { Client } from './clients.js';
import type { PendingCard, ProcessedBatch, Processor } from './processing.js';
import { effectOfBatch, effectOfCard } from './triggers.js';
import type { BatchEffect, Effects } from './triggers.js';
import { BatchWord, type BatchAnswer, type Payload } from './wire.js';

/** One enroll call for a batch whose signature and ids were in order, accepted or not. */
export interface BatchOffer {
  /** ISO 8601, by the simulator's clock. */
  at: string;
  /** Hex SHA-256 of `enrollmentData` as received: equal when the same bytes were sent again. */
  sha256: string;
  /** Whether a batch was accepted by this very call; of an `externalBatchId` at most one offer is, but for `acceptedAgain`. */
  accepted: boolean;
}

/** What the simulator tells about a batch that it accepted; holds no cardholder data. */
export interface AcceptedBatch {
  srcClientId: string;
  serviceId: string;
  externalBatchId: string;
  batchId: string;
  acceptedAt: string;
  /** Every time it was offered, the first time first. */
  offers: BatchOffer[];
  consumers: number;
  cards: number;
  batchStatus: string;
  /** In the order sent. */
  records: {
    externalConsumerId: string;
    externalCardId: string;
    /** `PENDING`, `SUCCESS`, the reason of the failure, `OMITTED`, `FAILED` (with the batch) or a record status. */
    outcome: string;
  }[];
}

interface Batch {
  client: Client;
  externalBatchId: string;
  batchId: string;
  flowId: string;
  acceptedAt: number;
  consumers: number;
  cards: PendingCard[];
  effect: BatchEffect | undefined;
  statusCalls: number;
  processed?: ProcessedBatch;
}

/** The batches that were offered and accepted, and how far each one is. */
export class BatchRegistry {
  private readonly offersOf = new Map<string, BatchOffer[]>();
  private readonly byExternalId = new Map<string, Batch>();
  private readonly byBatchId = new Map<string, Batch>();
  private readonly open = new Set<Batch>();
  private readonly flowIds = new Set<string>();

  /** @param settings read anew at every look, so that a change meets the batches under way too */
  constructor(
    private readonly processor: Processor,
    private readonly settings: { readonly processingMs: number },
    private readonly now: () => number,
    private readonly effects: Effects = {},
  ) {}

  /** Takes down that a batch was offered. */
  noteOffer(client: Client, externalBatchId: string, enrollmentData: string): BatchOffer {
    const offer = {
      at: new Date(this.now()).toISOString(),
      sha256: createHash('sha256').update(enrollmentData).digest('hex'),
      accepted: false,
    };
    const key = keyOf(client, externalBatchId);
    const offers = this.offersOf.get(key);
    if (offers) offers.push(offer);
    else this.offersOf.set(key, [offer]);
    return offer;
  }

  /** The batchId of a batch that was accepted before under this name. */
  findByExternalId(client: Client, externalBatchId: string): string | undefined {
    return this.byExternalId.get(keyOf(client, externalBatchId))?.batchId;
  }

  /**
   * Accepts a batch; that there is none of this name is the caller's business.
   * @throws ApiError where an effect refuses it
   */
  accept(
    client: Client,
    externalBatchId: string,
    { enrollments }: Payload,
    offer: BatchOffer,
  ): { batchId: string; flowId: string } {
    const effect = this.effects.batch?.(externalBatchId) ?? effectOfBatch(externalBatchId);
    if (effect?.kind === 'refused') {
      const { status = 400, reason, message, errordetail } = effect.error;
      throw new ApiError(status, { reason, message, details: errordetail ?? [] });
    }
    const batch: Batch = {
      client,
      externalBatchId,
      batchId: effect?.kind === 'named' ? effect.batchId : randomUUID(),
      flowId: `sim.${randomUUID()}`,
      acceptedAt: this.now(),
      consumers: enrollments.length,
      cards: enrollments.flatMap(({ externalConsumerId, cards }) =>
        cards.map(({ externalCardId, primaryAccountNumber }) => ({
          externalConsumerId,
          externalCardId,
          effect: this.effects.card?.(externalCardId) ?? effectOfCard(primaryAccountNumber),
        })),
      ),
      effect,
      statusCalls: 0,
    };
    offer.accepted = true;
    this.byExternalId.set(keyOf(client, externalBatchId), batch);
    this.byBatchId.set(batch.batchId, batch);
    this.flowIds.add(batch.flowId);
    this.open.add(batch);
    return batch;
  }

  /** The answer of a status call, or undefined if the client has no batch of this id. */
  statusOf(client: Client, batchId: string): { answer: BatchAnswer; flowId: string } | undefined {
    this.processDue();
    const batch = this.byBatchId.get(batchId);
    if (batch?.client !== client) return undefined;
    batch.statusCalls += 1;
    const { externalBatchId, flowId, effect, processed } = batch;
    const ids = { batchId, externalBatchId };
    if (effect?.kind === 'unknownStatusFirst' && batch.statusCalls === 1) {
      return { answer: { ...ids, batchStatus: effect.status }, flowId };
    }
    if (!processed) return { answer: { ...ids, batchStatus: BatchWord.inProgress }, flowId };
    const { batchStatus, records } = processed;
    return { answer: { ...ids, batchStatus, ...(records && { records }) }, flowId };
  }

  /** Whether a flow id came from here. */
  issued(flowId: string): boolean {
    return this.flowIds.has(flowId);
  }

  /** Processes every batch whose time has come. */
  processDue(): void {
    for (const batch of this.open) {
      const { client, externalBatchId, cards, effect } = batch;
      if (effect?.kind === 'neverTerminal') continue;
      if (this.now() < batch.acceptedAt + this.settings.processingMs) continue;
      batch.processed = this.processor.process(client, externalBatchId, cards, effect);
      this.open.delete(batch);
    }
  }

  /** What was accepted, in that order. */
  accepted(): AcceptedBatch[] {
    this.processDue();
    return [...this.byBatchId.values()].map((batch) => ({
      srcClientId: batch.client.srcClientId,
      serviceId: batch.client.serviceId,
      externalBatchId: batch.externalBatchId,
      batchId: batch.batchId,
      acceptedAt: new Date(batch.acceptedAt).toISOString(),
      offers: (this.offersOf.get(keyOf(batch.client, batch.externalBatchId)) ?? []).map((offer) => ({
        ...offer,
      })),
      consumers: batch.consumers,
      cards: batch.cards.length,
      batchStatus: batch.processed?.batchStatus ?? BatchWord.inProgress,
      records: batch.cards.map(({ externalConsumerId, externalCardId }, i) => ({
        externalConsumerId,
        externalCardId,
        outcome: batch.processed?.outcomes[i] ?? 'PENDING',
      })),
    }));
  }
}

function keyOf({ srcClientId, serviceId }: Client, externalBatchId: string): string {
  return JSON.stringify([srcClientId, serviceId, externalBatchId]);
}
