import { isKept } from '../../enrollment/blobs.js';
import type { AcceptedBatch, LoggedRequest } from '../../simulator/index.js';
import { PROBE } from '../../store/key-ring-probe.js';
import type { RealSite } from '../support/real-environment.js';
import { NO_FAULT } from './scenario.js';

export interface FaultFigures {
  /** Calls that the simulator answered, or broke off. */
  calls: number;
  /** How many calls met which fault. */
  faults: Record<string, number>;
  faultRate: number;
}

export function faultFigures(requests: readonly LoggedRequest[]): FaultFigures {
  const faults: Record<string, number> = {};
  for (const { fault, status } of requests) {
    if (fault === undefined || fault === NO_FAULT.kind) continue;
    const name = status === 'dropped' ? fault : `${fault} ${status}`;
    faults[name] = (faults[name] ?? 0) + 1;
  }
  const met = Object.values(faults).reduce((sum, count) => sum + count, 0);
  return { calls: requests.length, faults, faultRate: Number((met / requests.length).toFixed(3)) };
}

/** Offers of a batch that Mastercard had accepted before, or that a fault kept from it. */
export function offersRepeated(accepted: readonly AcceptedBatch[]): number {
  return accepted.flatMap((batch) => batch.offers).length - accepted.length;
}

/** Blobs with cardholder data in a site's store. */
export async function sealedDataLeft({ store }: Pick<RealSite, 'store'>): Promise<number> {
  let left = 0;
  for await (const batch of store.batches()) {
    if (batch.program === PROBE.program) continue;
    const refs = await store.list(batch);
    left += refs.filter((ref) => !isKept(ref)).length;
  }
  return left;
}

export function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return counts;
}
