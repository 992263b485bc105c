import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RecordResult } from '../../mastercard/contract.js';
import { toReportedCards } from '../../mastercard/record-results.js';

const ids = { externalConsumerId: 'c1', externalCardId: 'k1' };
const PAN = '5186001700009726';

describe('toReportedCards', () => {
  test('reads a success with the ids that Mastercard gave', () => {
    const record: RecordResult = { ...ids, status: 'SUCCESS', srcConsumerId: 's1', srcDigitalCardId: 'd1' };
    expect(toReportedCards([record])).toEqual([
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
    const record: RecordResult = { ...ids, status: 'FAILED', error: { reason: 'INVALID_STATE', ...error } };
    expect(toReportedCards([record])).toMatchObject([
      {
        result: 'failed',
        reason: 'PAN_INELIGIBLE',
        details: [{ path: 'Card', code: 'PAN_INELIGIBLE', message: 'No' }],
      },
    ]);
  });

  test('takes the top reason when no detail has one', () => {
    const error = { reason: 'UNAVAILABLE', message: 'Later', errordetail: [{ source: 'Card' }] };
    const [reported] = toReportedCards([{ ...ids, status: 'FAILED', error }]);
    expect(reported?.reason).toBe('UNAVAILABLE');
  });

  test('keeps the message when there are no details', () => {
    const error = { reason: 'UNAVAILABLE', message: 'Later', errordetail: null };
    expect(toReportedCards([{ ...ids, status: 'FAILED', error }])).toMatchObject([
      { reason: 'UNAVAILABLE', details: [{ code: 'UNAVAILABLE', message: 'Later' }] },
    ]);
  });

  test('takes any status but the two it knows for unknown, and keeps it', () => {
    for (const status of ['UNDER_REVIEW', 'success', 'constructor', '']) {
      expect(toReportedCards([{ ...ids, status }])).toMatchObject([{ result: 'unknown', rawStatus: status }]);
    }
  });

  test('masks card numbers in every text, and cuts long ones', () => {
    const text = `about ${PAN}: ${'x'.repeat(500)}`;
    const error = {
      reason: text,
      message: text,
      errordetail: [{ reason: text, source: text, message: text }],
    };
    const [reported] = toReportedCards([{ ...ids, status: text, error }]);
    expect(JSON.stringify(reported)).not.toContain(PAN);
    expect(reported?.rawStatus).toHaveLength(200);
    expect(reported?.details?.[0]?.message).toHaveLength(200);
  });

  test('leaves out ids of Mastercard that are no text of 1 to 255 characters', () => {
    for (const id of [7, null, '', 'i'.repeat(256), {}]) {
      const record = { ...ids, status: 'SUCCESS', srcConsumerId: id, srcDigitalCardId: id } as RecordResult;
      const [reported] = toReportedCards([record]);
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
        expect(toReportedCards(list as unknown as RecordResult[])).toHaveLength(list.length);
      }),
    );
  });
});
