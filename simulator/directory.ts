import { createHash } from 'node:crypto';
import type { Client } from './clients.js';

/** A card in Click to Pay. */
export interface EnrolledCard {
  srcClientId: string;
  serviceId: string;
  externalConsumerId: string;
  externalCardId: string;
  srcConsumerId: string;
  srcDigitalCardId: string;
}

type Owner = Pick<Client, 'srcClientId' | 'serviceId'>;

/**
 * Which cards and profiles are in Click to Pay. Ids are derived from the external ids, so a consumer
 * keeps the `srcConsumerId` and a card the `srcDigitalCardId`, however often they are enrolled, unless an effect names others.
 */
export class Directory {
  private readonly enrolled = new Map<string, EnrolledCard>();
  private readonly profiles = new Set<string>();

  /** Enrolls a card, and the consumer's profile with it; a card already there stays. */
  enroll(
    { srcClientId, serviceId }: Owner,
    card: Pick<EnrolledCard, 'externalConsumerId' | 'externalCardId'> & Partial<EnrolledCard>,
  ): EnrolledCard {
    const { externalConsumerId, externalCardId } = card;
    const {
      srcConsumerId = uuidOf(derivedId(srcClientId, serviceId, externalConsumerId)),
      srcDigitalCardId = derivedId(srcClientId, serviceId, externalConsumerId, externalCardId),
    } = card;
    const entry = {
      srcClientId,
      serviceId,
      externalConsumerId,
      externalCardId,
      srcConsumerId,
      srcDigitalCardId,
    };
    this.enrolled.set(keyOf(entry, srcDigitalCardId), entry);
    this.profiles.add(keyOf(entry, srcConsumerId));
    return entry;
  }

  /** A profile without a card. @returns its id. */
  addProfile({ srcClientId, serviceId }: Owner, externalConsumerId: string): string {
    const srcConsumerId = uuidOf(derivedId(srcClientId, serviceId, externalConsumerId));
    this.profiles.add(keyOf({ srcClientId, serviceId }, srcConsumerId));
    return srcConsumerId;
  }

  /** @returns false if the card is not there */
  deleteCard(owner: Owner, srcDigitalCardId: string): boolean {
    return this.enrolled.delete(keyOf(owner, srcDigitalCardId));
  }

  /** A profile can be deleted once its last card is gone. */
  deleteProfile(owner: Owner, srcConsumerId: string): 'deleted' | 'absent' | 'hasCards' {
    const key = keyOf(owner, srcConsumerId);
    if (this.cards().some((card) => keyOf(card, card.srcConsumerId) === key)) return 'hasCards';
    return this.profiles.delete(key) ? 'deleted' : 'absent';
  }

  cards(): EnrolledCard[] {
    return [...this.enrolled.values()];
  }
}

function keyOf({ srcClientId, serviceId }: Owner, id: string): string {
  return JSON.stringify([srcClientId, serviceId, id]);
}

function uuidOf(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}

function derivedId(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
