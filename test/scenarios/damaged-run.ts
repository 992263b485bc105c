import type { WorkflowHandle } from '@temporalio/client';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { expect } from 'vitest';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import { isClosed, type BatchKey, type BatchResult } from '../../enrollment/batch.js';
import { Blob, isKept, type ClosedBatch } from '../../enrollment/blobs.js';
import { bulkBatchId, bulkWorkflowIdOf, type BulkResult } from '../../enrollment/bulk.js';
import { cardKey, countOutcomes, wasNeverSent, type Outcome } from '../../enrollment/outcomes.js';
import { resolvePolicy } from '../../enrollment/policy.js';
import { parsePolicy } from '../../enrollment/policy-schema.js';
import { validateRecords } from '../../enrollment/validation.js';
import { getJson } from '../../store/store.js';
import type { BatchProgress } from '../../workflows/index.js';
import { startBulk, writePortfolio } from '../support/bulk-rig.js';
import { currentDetailsOf } from '../support/current-details.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, type Rig } from '../support/rig.js';
import { enroll, takeBatch, type BatchWay, type WayPlace } from './batch-way.js';
import { kindOf, type DamageCase } from './damage-cases.js';
import { BY } from './scenario.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

/** What a batch came to, with its id left out. */
export interface Ended {
  result: BatchResult;
  outcomes: Outcome[];
}

/** What a way comes to where nothing is damaged. */
export async function takeUndamaged(rig: Rig, way: BatchWay): Promise<Ended> {
  const name = rig.nextBatchId();
  await takeBatch({ ...way, name }, rig);
  return endOf(rig, { program: PROGRAM, externalBatchId: name });
}

/** Takes the way of a case with its damage, and looks whether what is promised of every close holds. */
export async function takeDamaged(
  rig: Rig,
  damaged: DamageCase,
  undamaged: () => Promise<Ended>,
): Promise<void> {
  const { way, moment, blob, damage, ofJob } = damaged;
  const run = new DamagedRun(rig, damaged);
  await run.take();
  const { key, heldUp, told } = run;
  const ended = await endOf(rig, key);
  const { result } = ended;
  if (!moment.isRepeated) expect(run.seen).toEqual(moment.blobs);
  expect((await rig.blobs(key.externalBatchId)).filter((ref) => !isKept(ref))).toEqual([]);
  expectAllAccountedFor(way, ended);
  if (!run.isOfKey) expect(heldUp).toEqual([]);
  // Whatever comes out otherwise than without the damage, the reasons say which blob could not be read.
  const named = moment.isRepeated && damage === 'missing' ? Blob.cards : blob;
  const isToldOf = result.reasons.some((reason) => reason.includes(named));
  if (run.isGivenUp)
    expect(new Set(ended.outcomes.map(({ status }) => status))).toEqual(new Set(['UNREPORTED']));
  else if (run.mayAsk) expect(ended.outcomes).toEqual((await undamaged()).outcomes);
  else if (!run.isLost || !isToldOf) expect(ended).toEqual(await undamaged());
  if (moment.isRepeated) expect(ended.outcomes).toEqual((await undamaged()).outcomes);
  if (ofJob)
    expect(told).toMatchObject({ batches: 1, byStatus: { [result.status]: 1 }, counts: result.counts });
}

/** One outcome a card, and none says of a card that it was not sent which was. */
function expectAllAccountedFor({ records = testRecords(2) }: BatchWay, { result, outcomes }: Ended): void {
  expect(new Set(outcomes.map(cardKey)).size).toBe(outcomes.length);
  const { order, outcomes: invalid } = validateRecords(records, batchEnroll.records, new Date());
  expect(outcomes).toHaveLength(order.length);
  expect(result.counts).toEqual(countOutcomes(outcomes.length, outcomes));
  if (result.batchIds.length === 0) return;
  const unsent = new Set(invalid.map(cardKey));
  expect(outcomes.filter((one) => wasNeverSent(one) && !unsent.has(cardKey(one)))).toEqual([]);
}

async function endOf(rig: Rig, key: BatchKey): Promise<Ended> {
  const { result } = await getJson<ClosedBatch>(rig.store, key, Blob.closed);
  const outcomes = await getJson<Outcome[]>(rig.store, key, Blob.outcomes);
  const text = JSON.stringify({ result, outcomes });
  return JSON.parse(text.replaceAll(key.externalBatchId, 'the batch')) as Ended;
}

/** A batch on its way, of which a blob is damaged once. */
class DamagedRun {
  readonly key: BatchKey;
  /** What was in the store when the blob was damaged, by kind. */
  seen: string[] = [];
  /** What the batch showed while it waited for a key. */
  readonly heldUp: BatchProgress[] = [];
  /** What the job came to that started the batch. */
  told: BulkResult | undefined;
  /** Whether only a key is missing. */
  readonly isOfKey: boolean;

  private readonly bulkId: string;
  private victims: string[] = [];
  /** How often it asked for a batchId. */
  private asked = 0;
  private problem: Error | undefined;

  constructor(
    private readonly rig: Rig,
    private readonly damaged: DamageCase,
  ) {
    const { damage, ofJob } = damaged;
    this.isOfKey = damage.startsWith('sealed');
    this.bulkId = rig.nextBatchId('job');
    this.key = { program: PROGRAM, externalBatchId: ofJob ? bulkBatchId(this.bulkId, 1) : rig.nextBatchId() };
  }

  /** Whose mark it is that does not open, nobody can tell: before the round is offered again an operator is asked. */
  get mayAsk(): boolean {
    const { way, blob } = this.damaged;
    return blob.startsWith('offered-') && !this.isOfKey && !way.act;
  }

  /** Whether the operator, asked once more and more, has it sent no further time. */
  get isGivenUp(): boolean {
    return this.asked > 3;
  }

  /** Whether what the blob had is lost for good, where it was needed. */
  get isLost(): boolean {
    const { damage } = this.damaged;
    return this.isOfKey ? damage === 'sealed under a key that is gone' && this.heldUp.length > 0 : true;
  }

  async take(): Promise<void> {
    const { way } = this.damaged;
    const name = this.key.externalBatchId;
    const act = way.act && ((batch: EnrollmentBatch, place: WayPlace) => this.act(batch, place));
    try {
      await takeBatch({ ...way, name, ...(act && { act }) }, this.rig, {
        activityInterceptors: [this.interceptor],
        startsIt: (_, place, taskQueue) => this.start(place, taskQueue),
      });
    } catch (error) {
      // What goes on would hold time still for the cases behind it.
      for (const workflow of [this.workflow, this.job]) await workflow.terminate().catch(() => undefined);
      throw error;
    }
    if (this.problem !== undefined) throw this.problem;
  }

  private async start(place: WayPlace, taskQueue: string): Promise<EnrollmentBatch> {
    const { way, ofJob } = this.damaged;
    if (!ofJob) return this.watched(await enroll(way, place, taskQueue));
    const { rig, bulkId, key } = this;
    await writePortfolio(rig, bulkId, way.records ?? testRecords(2));
    const policy = resolvePolicy({}, parsePolicy(way.policy ?? {}));
    const job = await startBulk(rig, taskQueue, bulkId, { maxCardsPerBatch: 250, policy });
    const batch = rig.client({ taskQueue }).batch(key.externalBatchId, PROGRAM);
    while (!(await batch.exists())) await new Promise((resolve) => setTimeout(resolve, 5));
    return this.watched(batch, async () => {
      this.told = await job.result();
    });
  }

  /** The batch, which an operator sees waiting for a key, and does what the case says. */
  private watched(batch: EnrollmentBatch, afterwards = () => Promise.resolve()): EnrollmentBatch {
    const progress = async () => {
      const now = await batch.progress();
      if (now.question === 'key') await this.seeTo(batch, now);
      if (this.mayAsk && now.question === 'batchId') {
        this.asked += 1;
        // Once it is sent again, it may ask for another reason; one that Mastercard never accepts asks for ever.
        if (this.asked === 1) expect(now.error).toContain(this.damaged.blob);
        await batch.resolve(this.isGivenUp ? { abandon: true } : { resend: true }, BY);
      }
      if (isClosed(now.status) && !(await this.runs())) throw new Over();
      return now;
    };
    const result = async () => {
      if (this.isOfKey || this.mayAsk) await this.passing(progress);
      await this.workflow.result().catch(() => undefined);
      await afterwards();
      return batch.result();
    };
    return Object.assign(Object.create(batch) as EnrollmentBatch, { progress, result });
  }

  private get workflow(): WorkflowHandle {
    return this.rig.workflow(this.key.externalBatchId);
  }

  private get job(): WorkflowHandle {
    const { program } = this.key;
    return this.rig.env.client.workflow.getHandle(bulkWorkflowIdOf({ program, bulkId: this.bulkId }));
  }

  /** The record of a close may be there, and the workflow not know of it yet. */
  private async runs(): Promise<boolean> {
    return (await this.workflow.describe()).status.name === 'RUNNING';
  }

  private async seeTo(batch: EnrollmentBatch, now: BatchProgress): Promise<void> {
    const { rig, key, damaged, victims } = this;
    if (this.heldUp.push(now) === 1) await this.look(now);
    if (damaged.damage === 'sealed under a key that is gone') await batch.closeWithoutUnreadable(BY);
    else for (const ref of victims) await rig.store.findKeyOf(key, ref);
  }

  /** That it is held up is shown wherever operators look. */
  private async look({ status, error }: BatchProgress): Promise<void> {
    const { searchAttributes } = await this.workflow.describe();
    expect(status).toBe('AWAITING_OPERATOR');
    expect(searchAttributes['C2pStatus']).toEqual(['AWAITING_OPERATOR']);
    expect(error).toMatch(/key 'k2-/);
    expect(await currentDetailsOf(this.workflow)).toContain('ACTION NEEDED');
  }

  /** What somebody does on the way may come too late: the damage may have closed the batch. */
  private async act(batch: EnrollmentBatch, place: WayPlace): Promise<void> {
    try {
      await this.damaged.way.act?.(batch, place);
    } catch (error) {
      if (!(error instanceof Over) && !(await this.rig.store.has(this.key, Blob.closed))) throw error;
    }
  }

  /**
   * Lets time pass until the batch is closed; not much at a time at first, so that it is not held up for long. The
   * time-skipping server loses an update that meets a timer of the workflow: no timer has this step.
   */
  private async passing(progress: () => Promise<unknown>): Promise<void> {
    for (let n = 0; ; n += 1) {
      try {
        await progress();
      } catch (error) {
        if (error instanceof Over) return;
        throw error;
      }
      await this.rig.env.sleep(n < 10 ? '29s' : '59m');
    }
  }

  private get interceptor(): ActivityInterceptorsFactory {
    const { activityType, nth, isRepeated } = this.damaged.moment;
    let calls = 0;
    return ({ info }) => ({
      inbound: {
        execute: async (input, next) => {
          if (info.activityType !== activityType || info.attempt > 1) return next(input);
          calls += 1;
          if (calls !== nth) return next(input);
          if (!isRepeated) {
            await this.damageOnce();
            return next(input);
          }
          await next(input);
          await this.damageOnce();
          throw new Error('a report that was lost');
        },
      },
    });
  }

  private async damageOnce(): Promise<void> {
    try {
      const refs = await this.rig.blobs(this.key.externalBatchId);
      this.seen = [...new Set(refs.map(kindOf))].sort();
      this.victims = refs.filter((ref) => kindOf(ref) === this.damaged.blob);
      if (this.victims.length === 0) throw new Error('there is no such blob');
      for (const ref of this.victims) await this.damage(ref);
    } catch (error) {
      // The activity must not be tried again for it.
      this.problem = error as Error;
    }
  }

  private damage(ref: string): Promise<void> {
    const { store } = this.rig;
    switch (this.damaged.damage) {
      case 'missing':
        return store.remove(this.key, ref);
      case 'altered':
        return store.alter(this.key, ref);
      case 'truncated':
        return store.truncate(this.key, ref);
      case 'sealed under a key that comes back':
      case 'sealed under a key that is gone':
        return store.sealUnderMissingKey(this.key, ref);
    }
  }
}

/** The batch is closed. */
class Over extends Error {}
