import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCards } from './read-answers.js';

const ids = { externalConsumerId: 'c1', externalCardId: 'k1' };
const PAN = '5186001700009726';

const cardsOf = (records: unknown[]) => readCards(records)!;

describe('the records of a status answer', () => {
  test('reads a success with the ids that Mastercard gave', () => {
    const record = { ...ids, status: 'SUCCESS', srcConsumerId: 's1', srcDigitalCardId: 'd1' };
    expect(readCards([record])).toEqual([
      { ...ids, result: 'enrolled', rawStatus: 'SUCCESS', srcConsumerId: 's1', srcDigitalCardId: 'd1' },
    ]);
  });

  test.each([
    ['errordetail', { errordetail: [{ reason: 'PAN_INELIGIBLE', source: 'Card', message: 'No' }] }],
    [
      'details',
      { errordetail: null, details: [{ reason: 'PAN_INELIGIBLE', source: 'Card', message: 'No' }] },
    ],
  ])('takes the reason of a decline from its %s, which say more than the top reason', (_, error) => {
    const record = { ...ids, status: 'FAILED', error: { reason: 'INVALID_STATE', ...error } };
    expect(readCards([record])).toMatchObject([
      {
        result: 'failed',
        reason: 'PAN_INELIGIBLE',
        details: [{ path: 'Card', code: 'PAN_INELIGIBLE', message: 'No' }],
      },
    ]);
  });

  test('takes SUCCESSFUL, as the sibling API writes it, for a success', () => {
    expect(readCards([{ ...ids, status: 'SUCCESSFUL' }])).toMatchObject([{ result: 'enrolled' }]);
  });

  test('takes a success without srcDigitalCardId, which comes with the first checkout, for enrolled', () => {
    const [reported] = cardsOf([{ ...ids, status: 'SUCCESS' }]);
    expect(reported).toMatchObject({ result: 'enrolled' });
  });

  test('takes the top reason when no detail has one', () => {
    const error = { reason: 'UNAVAILABLE', message: 'Later', errordetail: [{ source: 'Card' }] };
    const [reported] = cardsOf([{ ...ids, status: 'FAILED', error }]);
    expect(reported?.reason).toBe('UNAVAILABLE');
  });

  test('keeps the message when there are no details', () => {
    const error = { reason: 'UNAVAILABLE', message: 'Later', errordetail: null };
    expect(readCards([{ ...ids, status: 'FAILED', error }])).toMatchObject([
      { reason: 'UNAVAILABLE', details: [{ code: 'UNAVAILABLE', message: 'Later' }] },
    ]);
  });

  test('takes any status that the API does not list for unknown, and keeps it', () => {
    for (const status of ['UNDER_REVIEW', 'success', 'constructor', '']) {
      expect(readCards([{ ...ids, status }])).toMatchObject([{ result: 'unknown', rawStatus: status }]);
    }
  });

  test('masks card numbers in every text, and cuts long ones', () => {
    const text = `about ${PAN}: ${'x'.repeat(500)}`;
    const error = {
      reason: text,
      message: text,
      errordetail: [{ reason: text, source: text, message: text }],
    };
    const [reported] = cardsOf([{ ...ids, status: text, error }]);
    expect(JSON.stringify(reported)).not.toContain(PAN);
    expect(reported?.rawStatus).toHaveLength(200);
    expect(reported?.details?.[0]?.message).toHaveLength(200);
  });

  test('leaves out ids of Mastercard that are no text of 1 to 255 characters', () => {
    for (const id of [7, null, '', 'i'.repeat(256), {}]) {
      const record = { ...ids, status: 'SUCCESS', srcConsumerId: id, srcDigitalCardId: id };
      const [reported] = cardsOf([record]);
      expect([reported?.srcConsumerId, reported?.srcDigitalCardId]).toEqual([undefined, undefined]);
    }
  });

  test('never throws, whatever an entry holds', () => {
    const entries = fc.dictionary(
      fc.constantFrom('status', 'error', 'srcConsumerId', 'externalCardId'),
      fc.oneof(
        fc.jsonValue(),
        fc.dictionary(fc.constantFrom('reason', 'errordetail', 'details'), fc.jsonValue()),
      ),
    );
    fc.assert(
      fc.property(fc.array(entries), (list) => {
        const read = readCards(list);
        if (read) expect(read).toHaveLength(list.length);
      }),
    );
  });
});
