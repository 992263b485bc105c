import { ServiceError } from '@temporalio/client';
import { EnrollmentError } from '../../client/errors.js';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import { StoreUnavailableError } from '../../store/store.js';
import type { RealSite } from '../support/real-environment.js';
import { unlessOver } from './breaking.js';
import type { Events } from './events.js';

const LOOKS_EVERY_MS = 1_000;

/** Answers what batches ask, until it is over. */
export function operate(site: RealSite, events: Events, over: AbortSignal): Promise<void> {
  return again(over, async () => {
    const answers: Promise<void>[] = [];
    for await (const { externalBatchId } of site.client.list({ status: 'AWAITING_OPERATOR' })) {
      const batch = site.client.batch(externalBatchId);
      answers.push(unlessRefused(() => answer(site, batch, events)));
    }
    await Promise.all(answers);
  });
}

/** As a bank would that asks Mastercard first. */
async function answer({ simulator }: RealSite, batch: EnrollmentBatch, events: Events): Promise<void> {
  const { question, round = 1 } = await batch.progress();
  if (question === 'removal') {
    await batch.retryRollback({ retry: true });
    events.count('retried a rollback');
  }
  if (question !== 'batchId') return;
  const offered = batchEnroll.batch.roundId(batch.externalBatchId, round);
  const accepted = simulator.accepted().find(({ externalBatchId }) => externalBatchId === offered);
  await batch.resolve(accepted ? { batchId: accepted.batchId } : { resend: true });
  events.count(accepted ? 'named a batchId' : 'had a batch sent again');
}

/** What a worker or a call had in hand as its workflow was terminated has come to its end after this time. */
const GRACE_MS = 20_000;

/** Closes what was terminated and is not taken back, as `c2p sweep --erase --grace` does, until it is over. */
export function sweep(
  { client }: RealSite,
  isGivenUp: (externalBatchId: string) => boolean,
  events: Events,
  over: AbortSignal,
): Promise<void> {
  return again(over, async () => {
    for await (const orphan of client.orphans(GRACE_MS)) {
      if (!isGivenUp(orphan.externalBatchId)) continue;
      if ((await client.closeOrphan(orphan)).kind === 'closed') events.count('swept a terminated batch');
    }
  });
}

async function again(over: AbortSignal, act: () => Promise<void>): Promise<void> {
  while (!over.aborted) {
    await unlessOver(LOOKS_EVERY_MS, over);
    await unlessRefused(act);
  }
}

const EXPECTED = [ServiceError, EnrollmentError, StoreUnavailableError];

/** Operators look again where Temporal or the store is away, a check could not be made, or the batch went on meanwhile. */
export async function unlessRefused(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!EXPECTED.some((expected) => error instanceof expected)) throw error;
  }
}
