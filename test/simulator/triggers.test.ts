import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import { TRIGGERS } from '../../simulator/index.js';
import type { CardTriggerName } from '../../simulator/index.js';
import type { BatchAnswer, CardAnswer } from '../../simulator/wire.js';
import { enroll, enrollAndProcess, startRig, status } from './support.js';
import type { Rig } from './support.js';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.close());

/** Enrolls a batch of one card that triggers and one that does not. */
async function run(name: CardTriggerName, batch: string = name): Promise<BatchAnswer> {
  const reply = await enrollAndProcess(rig, batch, [
    { card: `card-${name}`, pan: TRIGGERS.cards[name].pan },
    { card: 'card-plain' },
  ]);
  return reply.json as BatchAnswer;
}

const about = (answer: BatchAnswer, card: string): CardAnswer[] =>
  (answer.records ?? []).filter((record) => record.externalCardId === card);

const isEnrolled = (card: string) =>
  rig.simulator.enrolledCards().some(({ externalCardId }) => externalCardId === card);

describe('trigger card numbers', () => {
  const final = [
    'INVALID_PAN',
    'PAN_INELIGIBLE',
    'TOKENIZATION_INELIGIBLE',
    'ISSUER_DECLINED',
    'SUSPENDED_CARD',
    'ACCOUNT_RANGE_NOT_FOUND',
  ];
  const reasons = [...final, ...batchEnroll.errors.passing] as CardTriggerName[];

  it('have 16 digits, pass Luhn and are all different', () => {
    const pans = Object.values(TRIGGERS.cards).map(({ pan }) => pan);
    expect(new Set(pans).size).toBe(pans.length);
    for (const pan of pans) {
      expect(pan).toMatch(/^520474000000\d{4}$/);
      const sum = [...pan].reduce((total, digit, i) => {
        const value = Number(digit) * (i % 2 === 0 ? 2 : 1);
        return total + (value > 9 ? value - 9 : value);
      }, 0);
      expect(sum % 10).toBe(0);
    }
  });

  it.each(reasons)('fail their card, and no other, with %s', async (reason) => {
    const answer = await run(reason);
    expect(answer.batchStatus).toBe('COMPLETED_WITH_ERRORS');
    const [record] = about(answer, `card-${reason}`);
    expect(record).toMatchObject({ status: 'FAILED' });
    expect(record).not.toHaveProperty('srcDigitalCardId');
    const { error } = record ?? {};
    const found = [
      error?.reason,
      ...[...(error?.errordetail ?? []), ...(error?.details ?? [])].map((d) => d.reason),
    ];
    expect(found).toContain(reason);
    expect(isEnrolled(`card-${reason}`)).toBe(false);
    expect(about(answer, 'card-plain')).toMatchObject([{ status: 'SUCCESS' }]);
  });

  it('let a card fail in its first round and succeed in its second', async () => {
    const name = 'NO_RESPONSE_FROM_ISSUER_ONCE';
    expect(about(await run(name, 'once'), `card-${name}`)).toMatchObject([
      { status: 'FAILED', error: { errordetail: [{ reason: 'NO_RESPONSE_FROM_ISSUER' }] } },
    ]);
    expect(about(await run(name, 'once~2'), `card-${name}`)).toMatchObject([{ status: 'SUCCESS' }]);
    expect(isEnrolled(`card-${name}`)).toBe(true);
    expect(about(await run(name, 'next'), `card-${name}`)).toMatchObject([{ status: 'FAILED' }]);
  });

  it('leave a record out of the answer', async () => {
    const answer = await run('RECORD_MISSING');
    expect(answer.batchStatus).toBe('COMPLETED_WITH_ERRORS');
    expect(answer.records?.map((record) => record.externalCardId)).toEqual(['card-plain']);
    expect(isEnrolled('card-RECORD_MISSING')).toBe(false);
  });

  it('repeat a record in the answer', async () => {
    const answer = await run('RECORD_REPEATED');
    const records = about(answer, 'card-RECORD_REPEATED');
    expect(records).toHaveLength(2);
    expect(records[0]).toEqual(records[1]);
  });

  it('say two things about one card, which is enrolled', async () => {
    const records = about(await run('RECORD_CONTRADICTED'), 'card-RECORD_CONTRADICTED');
    expect(records?.map(({ status }) => status).sort()).toEqual(['FAILED', 'SUCCESS']);
    expect(isEnrolled('card-RECORD_CONTRADICTED')).toBe(true);
  });

  it('add a record that nobody sent', async () => {
    const answer = await run('FOREIGN_RECORD');
    expect(answer.records).toHaveLength(3);
    expect(about(answer, 'sim-foreign-card')).toMatchObject([{ status: 'SUCCESS' }]);
    expect(isEnrolled('sim-foreign-card')).toBe(false);
  });

  it('answer a record status that nobody knows', async () => {
    const answer = await run('UNKNOWN_RECORD_STATUS');
    expect(about(answer, 'card-UNKNOWN_RECORD_STATUS')).toMatchObject([{ status: 'UNDER_REVIEW' }]);
    expect(isEnrolled('card-UNKNOWN_RECORD_STATUS')).toBe(false);
  });
});

describe('trigger batch names', () => {
  const submit = async (name: keyof typeof TRIGGERS.batches) => {
    const externalBatchId = `2026-11-${TRIGGERS.batches[name].externalBatchIdContains}-1`;
    const reply = await enroll(rig, externalBatchId, [{ card: `card-${name}` }]);
    const { batchId } = reply.json as { batchId: string };
    return async () => (await status(rig, batchId)).json as BatchAnswer;
  };

  it('answer the first status call with a value that nobody knows', async () => {
    const ask = await submit('UNKNOWN_STATUS_FIRST');
    rig.now.ms += 1000;
    expect((await ask()).batchStatus).toBe('QUEUED_FOR_REVIEW');
    expect((await ask()).batchStatus).toBe('COMPLETED_SUCCESSFULLY');
  });

  it('keep a batch in progress for ever', async () => {
    const ask = await submit('NEVER_TERMINAL');
    rig.now.ms += 365 * 86_400_000;
    expect((await ask()).batchStatus).toBe('IN_PROGRESS');
    rig.now.ms -= 365 * 86_400_000;
  });

  it('fail the whole batch without records', async () => {
    const ask = await submit('BATCH_FAILED');
    rig.now.ms += 1000;
    const answer = await ask();
    expect(answer.batchStatus).toBe('FAILED');
    expect(answer).not.toHaveProperty('records');
    expect(isEnrolled('card-BATCH_FAILED')).toBe(false);
  });
});

describe('effects that a caller of createSimulator chooses', () => {
  it('come before triggers, and name ids of its own or refuse the batch', async () => {
    const ids = { srcConsumerId: 'a consumer', srcDigitalCardId: 'a/card' };
    const error = { status: 403, reason: 'PERMISSION_DENIED', message: 'not you', errordetail: [] };
    const own = await startRig({
      effects: {
        card: (card) => (card === 'card-named' ? { kind: 'succeed', ...ids } : undefined),
        batch: (batch) =>
          batch === 'refused' ? { kind: 'refused', error } : { kind: 'named', batchId: `mc:${batch}` },
      },
    });
    onTestFinished(() => own.close());
    const { pan } = TRIGGERS.cards.INVALID_PAN;
    const reply = await enrollAndProcess(own, 'named', [
      { card: 'card-named', pan },
      { card: 'other', pan },
    ]);
    const answer = reply.json as BatchAnswer;
    expect(answer).toMatchObject({ batchId: 'mc:named', batchStatus: 'COMPLETED_WITH_ERRORS' });
    expect(about(answer, 'card-named')).toEqual([expect.objectContaining({ status: 'SUCCESS', ...ids })]);
    expect(about(answer, 'other')).toEqual([expect.objectContaining({ status: 'FAILED' })]);
    expect(own.simulator.enrolledCards()).toEqual([expect.objectContaining(ids)]);
    expect(await enroll(own, 'refused', [{ card: 'card' }])).toMatchObject({ status: 403, json: error });
  });
});
