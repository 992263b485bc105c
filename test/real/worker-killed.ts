import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Blob } from '../../enrollment/blobs.js';
import type { Outcome } from '../../enrollment/outcomes.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { TRIGGERS, type AcceptedBatch, type FaultRequest } from '../../simulator/index.js';
import { testCard, testRecord } from '../support/records.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';

let environment: RealEnvironment;
beforeAll(async () => {
  environment = await RealEnvironment.shared();
});
afterAll(() => environment.close());

export interface Case {
  during: string;
  activity: string;
  /** Where `stalling-worker.js` stops to be killed. */
  stallAt: string;
  /** What Mastercard does the first time. */
  fault?: FaultRequest;
  /** How often Mastercard is offered the batch in all. */
  offers: number;
}

/** Kills a worker with SIGKILL in each of these cases, and expects that a new one finishes the batch, once. */
export function killedDuring(cases: readonly Case[]): void {
  describe.concurrent('a worker killed with SIGKILL', { timeout: 150_000 }, () => {
    for (const { during, activity, stallAt, fault, offers } of cases) {
      test(`during ${during}: a new one finishes the batch, which Mastercard has once`, async () => {
        const name = stallAt.replaceAll(' ', '-') + (fault ? '-faulty' : '');
        const site = await environment.site(name);
        if (fault) site.simulator.fault(fault);
        const first = await site.startWorker(stallAt);
        await enroll(site, name);
        await first.stalled();
        const jwe = await jweInStore(site, name);
        await first.kill();
        await site.startWorker();

        await expectFinishedOnce(site, name, offers);
        if (jwe !== undefined) expect(offersOf(site)).toEqual(Array(offers).fill(sha256(jwe)));
        expect(await attempts(site, name, activity)).toBe(2);
      });
    }
  });
}

/** The same while a request is on its way, of which nobody learns whether it arrived. */
export function killedWhileARequestIsOnItsWay(): void {
  test.concurrent(
    'a worker killed with SIGKILL during submitBatch, the request being on its way: a new one finishes the batch, which Mastercard has once',
    { timeout: 150_000 },
    async () => {
      const name = 'on-its-way';
      const site = await environment.site(name);
      site.simulator.fault({ operation: 'enroll', fault: { kind: 'delay', ms: 15_000 } });
      const first = await site.startWorker();
      await enroll(site, name);
      // Only a call to Mastercard heartbeats.
      await vi.waitUntil(async () => await heartbeats(site, name), { timeout: 30_000, interval: 200 });
      await first.kill();
      await site.startWorker();

      await site.workflow(name).result();
      // The request that its sender did not live to see answered.
      await vi.waitUntil(() => site.simulator.requests().some(({ fault }) => fault === 'delay'), {
        timeout: 30_000,
      });
      await expectFinishedOnce(site, name, 2);
      expect(await attempts(site, name, 'submitBatch')).toBe(2);
    },
  );
}

const declined = { ...testCard(300), primaryAccountNumber: TRIGGERS.cards.PAN_INELIGIBLE.pan };
const invalid = { ...testCard(400), panExpirationYear: '2020' };

const RECORDS: EnrollmentRecord[] = [
  testRecord(1),
  testRecord(2, 2),
  { ...testRecord(3), cards: [declined] },
  { ...testRecord(4), cards: [invalid] },
];

async function enroll(site: RealSite, externalBatchId: string): Promise<void> {
  await site.client.enroll({
    externalBatchId,
    program: PROGRAM,
    records: RECORDS,
    policy: { polling: { initial: '1s' } },
  });
}

/** The batch is at its end, once with Mastercard, with Mastercard's outcomes and no sealed data left. */
async function expectFinishedOnce(site: RealSite, externalBatchId: string, offers: number): Promise<void> {
  const result = await site.workflow(externalBatchId).result();
  const [accepted, ...others] = site.simulator.accepted();
  expect(others).toEqual([]);
  expect(accepted).toMatchObject({ externalBatchId, cards: 4 });
  expect(result).toMatchObject({
    status: 'COMPLETED_WITH_ERRORS',
    batchIds: [accepted?.batchId],
    counts: { cards: 5, enrolled: 3, failed: 1, invalid: 1, unreported: 0, pending: 0 },
  });
  expect(accepted?.offers).toHaveLength(offers);
  expect(new Set(offersOf(site)).size).toBe(1);

  const outcomes = await site.client.batch(externalBatchId).outcomes();
  expect(outcomes.filter(({ status }) => status !== 'INVALID').map(asSimulated)).toEqual(accepted?.records);
  expect(outcomes.filter(({ status }) => status === 'INVALID')).toMatchObject([
    { externalConsumerId: 'cust-4', externalCardId: 'card-400' },
  ]);
  expect(await site.blobs(externalBatchId)).toEqual([Blob.closed, Blob.offered(1), Blob.outcomes]);
}

/** An outcome in the simulator's words. */
function asSimulated({
  externalConsumerId,
  externalCardId,
  status,
  reason,
}: Outcome): AcceptedBatch['records'][number] {
  const outcome = status === 'ENROLLED' ? 'SUCCESS' : (reason ?? status);
  return { externalConsumerId, externalCardId, outcome };
}

/** SHA-256 of the bytes of each offer. */
function offersOf(site: RealSite): string[] {
  return site.simulator.accepted().flatMap(({ offers }) => offers.map((offer) => offer.sha256));
}

async function jweInStore(site: RealSite, externalBatchId: string): Promise<Uint8Array | undefined> {
  const batch = { program: PROGRAM, externalBatchId };
  const ref = (await site.store.list(batch)).find((name) => name.startsWith('enrollment-data-1-'));
  return ref === undefined ? undefined : site.store.get(batch, ref);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** How often the activity was begun: attempts that Temporal made and those that the workflow asked for. */
async function attempts(site: RealSite, externalBatchId: string, activity: string): Promise<number> {
  const { events = [] } = await site.workflow(externalBatchId).fetchHistory();
  const scheduled = (events ?? []).filter(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity,
  );
  const begun = (events ?? []).flatMap(({ activityTaskStartedEventAttributes: started }) =>
    started && scheduled.some(({ eventId }) => eventId?.eq(started.scheduledEventId ?? 0))
      ? [started.attempt ?? 1]
      : [],
  );
  return begun.reduce((sum, attempt) => sum + attempt, 0);
}

async function heartbeats(site: RealSite, externalBatchId: string): Promise<boolean> {
  const { raw } = await site.workflow(externalBatchId).describe();
  return (raw.pendingActivities ?? []).some(({ lastHeartbeatTime }) => lastHeartbeatTime != null);
}
