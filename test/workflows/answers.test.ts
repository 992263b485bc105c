import { Context } from '@temporalio/activity';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { report, ScriptedGateway, success } from '../support/scripted-gateway.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

/** Something else comes of an activity's first attempt than what it reports. */
class SpoilingFirst {
  attempts = 0;

  constructor(
    private readonly activityType: string,
    private readonly spoilt: (report: object) => object,
  ) {}

  readonly interceptor: ActivityInterceptorsFactory = () => ({
    inbound: {
      execute: async (input, next) => {
        const report = await next(input);
        if (Context.current().info.activityType !== this.activityType) return report;
        this.attempts += 1;
        return this.attempts === 1 ? this.spoilt(report as object) : report;
      },
    },
  });
}

const ofAnotherCall = (report: object) => ({ ...report, call: 'another' });

async function enroll(activityType: string, spoilt: (report: object) => object = ofAnotherCall) {
  const id = rig.nextBatchId('answers');
  const gateway = new ScriptedGateway({
    submit: [{ batchId: 'mc-1' }],
    status: [report(id, BatchStatusValue.completed, [success('cust-1', 'card-100')])],
  });
  const taskQueue = rig.nextBatchId('answers-queue');
  const spoiling = new SpoilingFirst(activityType, spoilt);
  const activityInterceptors = [spoiling.interceptor];
  const [workflows, calls] = await rig.createWorkers({ taskQueue, gateway, activityInterceptors });
  const result = await workflows.runUntil(
    calls.runUntil(async () => {
      const records = testRecords(1);
      const batch = await rig
        .client({ taskQueue })
        .enroll({ externalBatchId: id, program: PROGRAM, records });
      return batch.result();
    }),
  );
  return { result, gateway, attempts: spoiling.attempts };
}

test.each(['validateBatch', 'encryptBatch', 'fetchBatchStatus', 'purgeBatch'])(
  'a report that answers another call than %s is none: the call is made again',
  async (activityType) => {
    const { result, gateway, attempts } = await enroll(activityType);
    expect(attempts).toBe(2);
    expect(result).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 1 } });
    expect(gateway.submissions).toHaveLength(1);
  },
);

test.each<[string, (report: object) => object]>([
  ['a report that answers another submission', ofAnotherCall],
  [
    'an attempt that fails after it was sent, which Temporal does not repeat by itself,',
    () => {
      throw new Error('its worker failed');
    },
  ],
])('%s leaves it unknown whether Mastercard has the batch', async (_, spoilt) => {
  const { result, gateway } = await enroll('submitBatch', spoilt);
  expect(result.status).toBe('COMPLETED');
  expect(gateway.submissions).toHaveLength(2);
  expect(result.reasons[0]).toContain('Mastercard may have accepted each of 2 submissions');
});
