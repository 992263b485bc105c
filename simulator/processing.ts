import { createHash } from 'node:crypto';
import type { Client } from './clients.js';
import type { Directory } from './directory.js';
import type { BatchEffect, CardEffect } from './triggers.js';
import { BatchWord, CardWord, type CardAnswer } from './wire.js';

/** A card of an accepted batch: its number was forgotten as soon as it was known what it triggers. */
export interface PendingCard {
  externalConsumerId: string;
  externalCardId: string;
  effect: CardEffect;
}

/** What Mastercard would find out about a batch. */
export interface ProcessedBatch {
  batchStatus: string;
  /** As answered: in shuffled order, with whatever the triggers leave out or add. */
  records?: CardAnswer[];
  /** One for each card, in the order sent: `SUCCESS`, a reason, `OMITTED`, `FAILED` or a record status. */
  outcomes: string[];
}

/** Decides what becomes of the cards, and puts those that succeed into the directory. */
export class Processor {
  /** Cards that failed once and succeed the next time. */
  private readonly failedOnce = new Set<string>();

  /** @param seed of the order in which records are answered: equal seeds and batch ids, equal orders */
  constructor(
    private readonly directory: Directory,
    private readonly seed: number,
  ) {}

  process(
    client: Client,
    externalBatchId: string,
    cards: readonly PendingCard[],
    batchEffect: BatchEffect | undefined,
  ): ProcessedBatch {
    if (batchEffect?.kind === 'failed') {
      return { batchStatus: BatchWord.failed, outcomes: cards.map(() => 'FAILED') };
    }
    const processed = cards.map((card) => this.processCard(client, card));
    const outcomes = processed.map(({ outcome }) => outcome);
    return {
      batchStatus: outcomes.every((outcome) => outcome === CardWord.success)
        ? BatchWord.completed
        : BatchWord.completedWithErrors,
      records: shuffle(
        processed.flatMap(({ records }) => records),
        `${this.seed}/${externalBatchId}`,
      ),
      outcomes,
    };
  }

  private processCard(client: Client, card: PendingCard): { outcome: string; records: CardAnswer[] } {
    const { externalConsumerId, externalCardId, effect } = card;
    const ids = { externalConsumerId, externalCardId };
    const failed = (error: NonNullable<CardAnswer['error']>) => ({
      outcome: reasonOf(error),
      records: [{ ...ids, status: CardWord.failed, error }],
    });
    const succeeded = (...others: CardAnswer[]) => {
      const { srcConsumerId, srcDigitalCardId } = this.directory.enroll(client, { ...ids, ...effect });
      const record = { ...ids, status: CardWord.success, srcConsumerId, srcDigitalCardId };
      return { outcome: CardWord.success, records: [record, ...others], record };
    };

    switch (effect.kind) {
      case 'succeed':
        return succeeded();
      case 'fail':
        return failed(effect.error);
      case 'failWithProfile': {
        const { outcome, records } = failed(effect.error);
        const srcConsumerId = this.directory.addProfile(client, externalConsumerId);
        return { outcome, records: records.map((record) => ({ ...record, srcConsumerId })) };
      }
      case 'failOnce': {
        const key = JSON.stringify([
          client.srcClientId,
          client.serviceId,
          externalConsumerId,
          externalCardId,
        ]);
        if (this.failedOnce.delete(key)) return succeeded();
        this.failedOnce.add(key);
        return failed(effect.error);
      }
      case 'omit':
        return { outcome: 'OMITTED', records: [] };
      case 'repeat': {
        const { outcome, record } = succeeded();
        return { outcome, records: [record, record] };
      }
      case 'contradict':
        return succeeded({ ...ids, status: CardWord.failed, error: effect.error });
      case 'addForeign':
        return succeeded({
          externalConsumerId: 'sim-foreign-consumer',
          externalCardId: 'sim-foreign-card',
          status: CardWord.success,
          srcConsumerId: '00000000-0000-4000-8000-000000000000',
          srcDigitalCardId: 'sim-foreign',
        });
      case 'unknownStatus':
        return { outcome: effect.status, records: [{ ...ids, status: effect.status }] };
    }
  }
}

function reasonOf({ reason, errordetail, details }: NonNullable<CardAnswer['error']>): string {
  return errordetail?.[0]?.reason ?? details?.[0]?.reason ?? reason ?? CardWord.failed;
}

/** Fisher-Yates, with the bytes of a hash chain as its dice. */
function shuffle<T>(items: readonly T[], seed: string): T[] {
  const shuffled = [...items];
  let dice = createHash('sha256').update(seed).digest();
  for (let i = shuffled.length - 1; i > 0; i -= 1) {
    dice = createHash('sha256').update(dice).digest();
    const j = dice.readUInt32BE() % (i + 1);
    [shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T];
  }
  return shuffled;
}
