import { expect } from 'vitest';
import type { BatchResult } from '../../enrollment/batch.js';
import { isKept } from '../../enrollment/blobs.js';
import { FailureType } from '../../enrollment/errors.js';
import { cardKey, countOutcomes, MAY_BE_ENROLLED, type Outcome } from '../../enrollment/outcomes.js';
import { RemovalCode } from '../../enrollment/removal.js';
import type { BatchRun } from './batch-run.js';
import type { Model } from './model.js';
import { recordsOf } from './scenario.js';

/** The failures that a batch may end with. */
const FAILURES: readonly string[] = [
  FailureType.BatchFailed,
  FailureType.PollingDeadlineExceeded,
  FailureType.SubmissionUnresolved,
  FailureType.CompensationFailed,
  FailureType.ConfigurationInvalid,
];

/** Reasons that say that Mastercard was never offered the card, or did not take it. */
const NOT_SENT: readonly unknown[] = ['NOT_SENT', 'CANCELLED_NOT_SENT'];

/** What must hold of every batch once it is closed, whatever it went through. */
export async function checkInvariants(run: BatchRun, model: Model, result: BatchResult): Promise<void> {
  const outcomes = await run.batch.outcomes();
  expect(run.misread, 'answers that were not understood').toEqual([]);
  checkCompleteness(run, result, outcomes);
  checkEnding(result, outcomes, await run.closeEvent());
  checkTruth(run, result, outcomes);
  checkOffers(run, result);
  checkRemoval(model, result, outcomes);
  checkUnsettled(model, outcomes);
  const left = (await run.world.rig.blobs(run.externalBatchId)).filter((ref) => !isKept(ref));
  expect(left, 'sealed data that was left').toEqual([]);
}

function checkCompleteness({ scenario, number }: BatchRun, result: BatchResult, outcomes: Outcome[]): void {
  const cards = recordsOf(scenario, number).flatMap(({ externalConsumerId, cards }) =>
    cards.map(({ externalCardId }) => cardKey({ externalConsumerId, externalCardId })),
  );
  expect(outcomes.map(cardKey), 'one outcome a card').toEqual(cards);
  expect(result.counts, 'the counts are those of the outcomes').toEqual(
    countOutcomes(cards.length, outcomes),
  );
  for (const { status, reason } of outcomes) {
    if (status !== 'ENROLLED') expect(reason, `the reason of ${status}`).toBeTruthy();
  }
}

function checkEnding(
  { status, failure, counts, reasons }: BatchResult,
  outcomes: Outcome[],
  close: { kind: string; failureType?: string | undefined },
): void {
  const failed = status === 'FAILED' || status === 'EXPIRED' || failure !== undefined;
  const kind = failed ? 'failed' : status === 'CANCELLED' ? 'cancelled' : 'completed';
  expect(close, 'how the workflow ended').toEqual({ kind, failureType: failure });
  if (failed) expect(FAILURES).toContain(failure);
  if (status !== 'COMPLETED') expect(reasons, 'why').not.toEqual([]);
  switch (status) {
    case 'COMPLETED':
      return expect(counts.enrolled).toBe(counts.cards);
    case 'COMPLETED_WITH_ERRORS':
      expect(counts.enrolled).toBeLessThan(counts.cards);
      return expect(counts.rolledBack).toBe(0);
    case 'REJECTED':
      return expect(counts.enrolled + counts.rolledBack).toBe(0);
    case 'ROLLED_BACK':
      expect(counts.rolledBack).toBeGreaterThan(0);
      return expect(counts.enrolled).toBe(0);
    case 'FAILED':
    case 'EXPIRED':
    case 'CANCELLED':
  }
  if (failure === FailureType.CompensationFailed) {
    const codes = outcomes.flatMap(({ details = [] }) => details.map(({ code }) => code));
    const named = codes.filter((code) => code === RemovalCode.failed || code === RemovalCode.profileFailed);
    expect(named, 'what could not be removed is named').not.toEqual([]);
  }
}

/** What c2p says of a card is what Mastercard has. */
function checkTruth(run: BatchRun, result: BatchResult, outcomes: Outcome[]): void {
  const enrolled = new Set(run.enrolledCards().map(cardKey));
  const recorded = recordedOutcomes(run);
  const twice = cardsTakenTwice(run);
  for (const outcome of outcomes) {
    const { status, reason } = outcome;
    const key = cardKey(outcome);
    const there = enrolled.has(key);
    const said = `${key} ${status} ${reason ?? ''}; Mastercard: ${recorded.get(key)?.join() ?? 'never seen'}`;
    if (status === 'INVALID' || NOT_SENT.includes(reason)) expect(recorded.has(key), said).toBe(false);
    // Of two batches with the card, c2p knows one, and says that there may be another.
    if (twice.has(key)) continue;
    if (status === 'ENROLLED') expect(there || mayBeRemoved(run, outcome), said).toBe(true);
    else if (status !== 'UNREPORTED') expect(there, said).toBe(false);
    else if (there) expect(['COMPLETED', 'REJECTED'], said).not.toContain(result.status);
    if (status === 'FAILED' && recorded.has(key)) expect(recorded.get(key)?.at(-1), said).toBe(reason);
  }
}

/** By card, what the simulator made of it, the last time last. */
function recordedOutcomes(run: BatchRun): Map<string, string[]> {
  const recorded = new Map<string, string[]>();
  for (const record of run.accepted().flatMap(({ records }) => records)) {
    recorded.set(cardKey(record), [...(recorded.get(cardKey(record)) ?? []), record.outcome]);
  }
  return recorded;
}

function cardsTakenTwice(run: BatchRun): Set<string> {
  const accepted = run.accepted();
  const twice = accepted.filter(({ externalBatchId, batchId }) =>
    accepted.some((other) => other.externalBatchId === externalBatchId && other.batchId !== batchId),
  );
  return new Set(twice.flatMap(({ records }) => records.map(cardKey)));
}

/** Whether an answer to an attempt to remove the card was lost, and an operator left it at that. */
function mayBeRemoved({ events }: BatchRun, { details = [], srcDigitalCardId }: Outcome): boolean {
  const lost = events.some(
    (event) => event.op === 'deleteCard' && event.id === srcDigitalCardId && event.result.kind === 'unknown',
  );
  return lost && details.some(({ code }) => code === RemovalCode.failed);
}

/** The same bytes every time, and one batch an externalBatchId, unless the simulator took two on purpose. */
function checkOffers(run: BatchRun, { batchIds, reasons }: BatchResult): void {
  const bytes = new Map<string, Set<string>>();
  for (const event of run.events) {
    if (event.op !== 'enroll') continue;
    bytes.set(event.externalBatchId, (bytes.get(event.externalBatchId) ?? new Set()).add(event.sha256));
  }
  for (const [id, digests] of bytes) expect(digests.size, `different bytes were sent as ${id}`).toBe(1);

  const accepted = run.accepted();
  for (const { externalBatchId: id } of accepted) {
    const ids = accepted.filter((it) => it.externalBatchId === id).map(({ batchId }) => batchId);
    if (ids.length === 1) continue;
    run.met('accepted twice on purpose');
    expect(run.acceptsAgain, `${id} was accepted ${ids.length} times`).toBe(true);
    // Where not even one of them is known, the cards are UNREPORTED.
    const known = ids.find((it) => batchIds.includes(it));
    if (known !== undefined)
      expect(reasons.join(), 'the batch says so').toContain(`which it has as ${known}:`);
  }
  expect(accepted.map(({ batchId }) => batchId)).toEqual(expect.arrayContaining(batchIds));
}

/**
 * All cards or none, however the batch ended: what is known to be enrolled is out again, unless Mastercard did not let
 * it out, an operator left it at that, and the card says so.
 */
function checkRemoval(model: Model, { status, failure }: BatchResult, outcomes: Outcome[]): void {
  if (!model.takesBack || status === 'COMPLETED') return;
  for (const { status: outcome, details = [], externalCardId } of outcomes) {
    if (outcome !== 'ENROLLED') continue;
    expect(failure, `${externalCardId} was left`).toBe(FailureType.CompensationFailed);
    expect(details.map(({ code }) => code)).toContain(RemovalCode.failed);
  }
}

/** Nobody knows what became of the last round: its cards may be enrolled, and say so; no others do. */
function checkUnsettled(model: Model, outcomes: Outcome[]): void {
  const unsettled = new Set(model.isUnsettled ? model.cards.sent : []);
  for (const outcome of outcomes) {
    const key = cardKey(outcome);
    const codes = (outcome.details ?? []).map(({ code }) => code);
    const said = codes.includes(MAY_BE_ENROLLED.code);
    expect(said, `whether ${key} is said to be enrolled, perhaps`).toBe(unsettled.has(key));
    if (said) expect(outcome.status).toBe('UNREPORTED');
  }
}
