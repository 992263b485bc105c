import { describe, expect, test } from 'vitest';
import { MAY_BE_ENROLLED, type Outcome } from '../../enrollment/outcomes.js';
import type { AcceptedBatch } from '../../simulator/index.js';
import { testRecord } from '../support/records.js';
import type { PlannedBatch } from './scenario.js';
import { cardsNobodyHas, judge, type Evidence } from './verdict.js';

const [sent, invalid] = ['card-1', 'card-2'].map((externalCardId) => ({
  externalConsumerId: 'cust-1',
  externalCardId,
})) as [Outcome, Outcome];

const planned: PlannedBatch[] = [
  {
    externalBatchId: 'batch-1',
    records: [testRecord(1, 2)],
    cards: [
      { ...sent, invalid: false },
      { ...invalid, invalid: true },
    ],
    treatment: { kind: 'plain' },
  },
];

function accepted(changes: Partial<AcceptedBatch> = {}): AcceptedBatch {
  return {
    srcClientId: 'client',
    serviceId: 'SRC',
    externalBatchId: 'batch-1',
    batchId: 'b-1',
    acceptedAt: '2026-11-24T00:00:00.000Z',
    offers: [{ at: '2026-11-24T00:00:00.000Z', sha256: '00', accepted: true }],
    consumers: 1,
    cards: 1,
    batchStatus: 'COMPLETED_SUCCESSFULLY',
    records: [{ externalConsumerId: 'cust-1', externalCardId: 'card-1', outcome: 'SUCCESS' }],
    ...changes,
  };
}

const enrolled: Outcome = { ...sent, status: 'ENROLLED' };
const refused: Outcome = { ...invalid, status: 'INVALID' };

function verdict(
  outcomes: Outcome[] | undefined,
  batches = [accepted()],
  present: Evidence['enrolled'] = outcomes?.filter(({ status }) => status === 'ENROLLED') ?? [],
) {
  const closed = new Map(outcomes ? [['batch-1', outcomes]] : []);
  return judge({ planned, closed, accepted: batches, enrolled: present });
}

const clean = { batches: 1, cards: 2, closed: 1, lost: 0, doubled: 0, outcomesWrong: 0 };

describe('the verdict of a chaos run', () => {
  test('is clean when every card has the outcome that Mastercard recorded, and an invalid one was never sent', () => {
    expect(verdict([enrolled, refused])).toEqual(clean);
  });

  test('counts every card of a batch that did not close as lost', () => {
    expect(verdict(undefined)).toMatchObject({ closed: 0, lost: 2 });
  });

  test('counts a card without an outcome, or with two, as lost', () => {
    expect(verdict([enrolled])).toMatchObject({ lost: 1 });
    expect(verdict([enrolled, enrolled, refused])).toMatchObject({ lost: 1 });
  });

  test('counts a batch that was accepted by two calls, and a card that is in two batches', () => {
    const twice = accepted({ offers: [...accepted().offers, ...accepted().offers] });
    expect(verdict([enrolled, refused], [twice])).toEqual({ ...clean, doubled: 1 });
    const again = accepted({ batchId: 'b-2', offers: accepted().offers });
    expect(verdict([enrolled, refused], [accepted(), again])).toMatchObject({ doubled: 1 });
  });

  test('counts an outcome that Mastercard did not record, under this id', () => {
    const declined: Outcome = { ...sent, status: 'FAILED', reason: 'PAN_INELIGIBLE' };
    expect(verdict([declined, refused])).toEqual({ ...clean, outcomesWrong: 1 });
    expect(verdict([enrolled, refused], [])).toEqual({ ...clean, outcomesWrong: 1 });
    const elsewhere = accepted({ externalBatchId: 'batch-2' });
    expect(verdict([enrolled, refused], [elsewhere])).toEqual({ ...clean, outcomesWrong: 1 });
  });

  test('counts an invalid card that was sent all the same, and cards and outcomes that nobody asked for', () => {
    const both = accepted().records.concat({ ...invalid, outcome: 'SUCCESS' });
    expect(verdict([enrolled, refused], [accepted({ records: both })])).toMatchObject({ outcomesWrong: 1 });
    const foreign = { externalConsumerId: 'cust-9', externalCardId: 'card-9' };
    const more = accepted().records.concat({ ...foreign, outcome: 'SUCCESS' });
    expect(verdict([enrolled, refused], [accepted({ records: more })])).toMatchObject({ outcomesWrong: 1 });
    const told: Outcome[] = [enrolled, refused, { ...foreign, status: 'ENROLLED' }];
    expect(verdict(told, [accepted()], [sent])).toMatchObject({ outcomesWrong: 1 });
    expect(verdict([enrolled, refused], [accepted()], [sent, foreign])).toMatchObject({ outcomesWrong: 1 });
  });

  test('takes a declined card in the round that follows for no double, and an enrolled one for one', () => {
    const [card] = accepted().records;
    const first = accepted({ records: [{ ...card!, outcome: 'NO_RESPONSE_FROM_ISSUER' }] });
    const second = accepted({ externalBatchId: 'batch-1~2' });
    const third = accepted({ externalBatchId: 'batch-1~3' });
    expect(verdict([enrolled, refused], [first, second])).toEqual(clean);
    expect(verdict([enrolled, refused], [first, third])).toMatchObject({ doubled: 1 });
    expect(verdict([enrolled, refused], [accepted(), second])).toMatchObject({ doubled: 1 });
  });

  test('counts a card that is reported as rolled back and is there, and one that is reported as enrolled and is not', () => {
    const removed: Outcome = { ...sent, status: 'ROLLED_BACK' };
    expect(verdict([removed, refused])).toEqual(clean);
    expect(verdict([removed, refused], [accepted()], [sent])).toEqual({ ...clean, outcomesWrong: 1 });
    expect(verdict([enrolled, refused], [accepted()], [])).toEqual({ ...clean, outcomesWrong: 1 });
  });

  test('takes a card that was not sent for told truly only if Mastercard does not have it', () => {
    const unsent: Outcome = { ...sent, status: 'UNREPORTED', reason: 'CANCELLED_NOT_SENT' };
    expect(verdict([unsent, refused], [])).toEqual(clean);
    expect(verdict([unsent, refused])).toEqual({ ...clean, outcomesWrong: 1 });
  });

  describe('on a batch that was terminated and swept', () => {
    const reason = 'TERMINATED_IN_TEMPORAL';
    const neverOffered: Outcome = { ...sent, status: 'UNREPORTED', reason };
    const offered: Outcome = { ...neverOffered, details: [MAY_BE_ENROLLED] };
    const terminated: PlannedBatch = {
      ...planned[0]!,
      treatment: { kind: 'terminated', stage: 'SUBMITTING', afterMs: 0 },
    };
    const again: PlannedBatch = {
      ...planned[0]!,
      externalBatchId: 'batch-1-again',
      cards: [{ ...sent, invalid: false }],
    };

    /** With a second batch that took over the card. */
    function ofBoth(first: Outcome, batches: AcceptedBatch[]) {
      const closed = new Map([
        ['batch-1', [first, refused]],
        ['batch-1-again', [enrolled]],
      ]);
      return judge({ planned: [terminated, again], closed, accepted: batches, enrolled: [sent] });
    }

    test('takes an offered card for told truly, whatever became of it; on any other batch it does not', () => {
      const told = new Map([['batch-1', [offered, refused]]]);
      const found = (batch: PlannedBatch, batches: AcceptedBatch[], present: Evidence['enrolled']) =>
        judge({ planned: [batch], closed: told, accepted: batches, enrolled: present });
      expect(found(terminated, [accepted()], [sent])).toEqual(clean);
      expect(found(terminated, [], [])).toEqual(clean);
      expect(found(planned[0]!, [accepted()], [sent])).toEqual({ ...clean, outcomesWrong: 1 });
    });

    test('counts a card that Mastercard has though the outcome says that it was never offered', () => {
      const told = new Map([['batch-1', [neverOffered, refused]]]);
      const found = (batches: AcceptedBatch[], present: Evidence['enrolled']) =>
        judge({ planned: [terminated], closed: told, accepted: batches, enrolled: present });
      expect(found([], [])).toEqual(clean);
      expect(found([accepted()], [sent])).toEqual({ ...clean, outcomesWrong: 1 });
    });

    test('counts a card as doubled that Mastercard has of the batch and of the one that took it over', () => {
      const second = accepted({ externalBatchId: 'batch-1-again' });
      expect(ofBoth(neverOffered, [second])).toEqual({ ...clean, batches: 2, cards: 3, closed: 2 });
      expect(ofBoth(offered, [accepted(), second])).toMatchObject({ doubled: 1 });
    });

    test('leaves for another id the records of cards that have no outcome and that Mastercard does not have', () => {
      const [record] = terminated.records;
      const { externalConsumerId, cards } = record!;
      const [first, second] = cards.map(({ externalCardId }) => ({ externalConsumerId, externalCardId }));
      const ofRecord = {
        ...terminated,
        cards: [
          { ...first!, invalid: false },
          { ...second!, invalid: false },
        ],
      };
      const told: Outcome[] = [
        { ...first!, status: 'UNREPORTED', reason },
        { ...second!, status: 'UNREPORTED', reason },
      ];
      const there = accepted({ records: [{ ...first!, outcome: 'PENDING' }] });
      expect(cardsNobodyHas(ofRecord, told, [there])).toEqual({
        records: [{ ...record, cards: [cards[1]] }],
        cards: [ofRecord.cards[1]],
      });
      expect(cardsNobodyHas(ofRecord, [{ ...first!, status: 'FAILED' }], [])).toEqual({
        records: [],
        cards: [],
      });
    });
  });
});
