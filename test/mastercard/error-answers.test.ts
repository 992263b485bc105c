import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanText } from '../../mastercard/cleaning.js';
import { readErrorBody } from './read-answers.js';

const PAN = '5186001700009726';

describe('the body of an error answer', () => {
  const error = {
    Source: 'Gateway',
    ReasonCode: 'DECLINED',
    Description: 'Slow down',
    Recoverable: true,
    Details: null,
  };

  it.each([
    ['{Errors: {Error: [e]}}', { Errors: { Error: [error] } }],
    ['{Errors: [{Error: e}]}', { Errors: [{ Error: error }] }],
    ['a mixture of both', { Errors: [{ Error: [error] }], Extra: 1 }],
  ])('reads a gateway error in the shape %s', (_shape, body) => {
    expect(readErrorBody(JSON.stringify(body))).toEqual({
      gateway: true,
      recoverable: true,
      reason: 'DECLINED',
      details: [{ reason: 'DECLINED', source: 'Gateway', message: 'Slow down' }],
    });
  });

  const detail = { reason: 'CANNOT_BE_NULL', sourceType: 'BODY', message: 'is null', source: 'srcClientId' };
  const read = [{ reason: 'CANNOT_BE_NULL', source: 'srcClientId', message: 'is null' }];

  it.each([
    ['in errordetail', { errordetail: [detail] }],
    ['in details', { details: [detail] }],
    ['in details beside an errordetail that is null', { errordetail: null, details: [detail] }],
  ])('reads the details of a service error %s, and ignores unknown fields', (_where, part) => {
    const body = { status: 400, reason: 'INVALID_ARGUMENT', message: 'm', unknown: {}, ...part };
    expect(readErrorBody(JSON.stringify(body))).toMatchObject({
      gateway: false,
      recoverable: false,
      reason: 'INVALID_ARGUMENT',
      details: read,
    });
  });

  it.each([{ errordetail: null }, {}])('keeps the message of a service error without details', (part) => {
    const body = { reason: 'INTERNAL', message: 'It broke', ...part };
    expect(readErrorBody(JSON.stringify(body)).details).toEqual([
      { reason: 'INTERNAL', message: 'It broke' },
    ]);
  });

  it('reads the shape of the sibling API, with the number in code and the word in status', () => {
    const body = { code: 400, status: 'INVALID_ARGUMENT', message: 'm', details: [detail] };
    expect(readErrorBody(JSON.stringify(body))).toMatchObject({ reason: 'INVALID_ARGUMENT', details: read });
  });

  it('reads the ids that the answer to a duplicate carries', () => {
    const body = { reason: 'ALREADY_EXISTS', batchId: 'b-1', externalBatchId: 'e-1' };
    expect(readErrorBody(JSON.stringify(body))).toMatchObject({ batchId: 'b-1', externalBatchId: 'e-1' });
  });

  it.each([undefined, '', '<html>502</html>', '{"reason":', '[]', 'null', '"text"', '7'])(
    'finds nothing in %j',
    (text) => {
      expect(readErrorBody(text)).toMatchObject({ gateway: false, recoverable: false, details: [] });
    },
  );

  it('leaves out what has another type than it should', () => {
    const body = {
      reason: 7,
      message: {},
      errordetail: ['x', null, { reason: [], source: 1, message: 'm' }],
    };
    expect(readErrorBody(JSON.stringify(body))).toEqual({
      gateway: false,
      recoverable: false,
      details: [{ reason: 'UNSPECIFIED', message: 'm' }],
    });
    const recoverable = { toString: 1, valueOf: 1 };
    expect(
      readErrorBody(JSON.stringify({ Errors: { Error: { Recoverable: recoverable } } })).recoverable,
    ).toBe(false);
  });

  it('masks card numbers wherever Mastercard may echo one', () => {
    const bodies = [
      { reason: PAN, message: PAN, errordetail: [{ reason: PAN, source: PAN, message: `card ${PAN}` }] },
      { reason: 'X', message: `5186-0017-0000-9726 and 5186 0017 0000 9726` },
      { Errors: { Error: [{ Source: PAN, ReasonCode: PAN, Description: PAN }] } },
      { Errors: [{ Error: { Details: PAN } }] },
    ];
    for (const body of bodies) {
      const kept = JSON.stringify(readErrorBody(JSON.stringify(body)));
      expect(kept.replace(/\D/g, '')).not.toContain(PAN);
      expect(kept).toContain('9726');
    }
  });

  it.each(['Ana Díaz', 'ana@example.com', '+15557778899', '5557778899'])(
    'takes %j, where a code or a place should be, for none',
    (value) => {
      const bodies = [
        { reason: value, errordetail: [{ reason: value, source: value, message: 'm' }] },
        { Errors: { Error: [{ Source: value, ReasonCode: value, Description: 'm' }] } },
      ];
      for (const body of bodies) {
        const { reason, details } = readErrorBody(JSON.stringify(body));
        expect({ reason, details }).toEqual({ details: [{ reason: 'UNSPECIFIED', message: 'm' }] });
      }
    },
  );

  it.each(['NEW_REASON', 'AnaDiaz', 'A1'])('writes OTHER for the reason %s, which nobody knows', (reason) => {
    const { reason: top, details } = readErrorBody(
      JSON.stringify({ reason, errordetail: [{ reason, message: 'm' }] }),
    );
    expect({ top, details }).toEqual({ top: 'OTHER', details: [{ reason: 'OTHER', message: 'm' }] });
    const gateway = readErrorBody(JSON.stringify({ Errors: { Error: [{ ReasonCode: reason }] } }));
    expect(gateway).toMatchObject({ reason: 'OTHER', details: [{ reason: 'OTHER' }] });
  });

  it('keeps the places that requests have', () => {
    const sources = ['srcClientId', 'enrollments[0].cards[1].primaryAccountNumber', '/cards/0', '$.consumer'];
    const body = {
      reason: 'INVALID_ARGUMENT',
      errordetail: sources.map((source) => ({ reason: 'X', source })),
    };
    expect(readErrorBody(JSON.stringify(body)).details.map(({ source }) => source)).toEqual(sources);
  });

  it('keeps at most 20 details', () => {
    const body = { reason: 'X', errordetail: Array.from({ length: 1_000 }, () => detail) };
    expect(readErrorBody(JSON.stringify(body)).details).toHaveLength(20);
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), fc.jsonValue(), (text, value) => {
        readErrorBody(text);
        readErrorBody(JSON.stringify({ Errors: value }));
        readErrorBody(JSON.stringify({ reason: value, message: value, errordetail: value, batchId: value }));
      }),
    );
  });
});

describe('cleanText', () => {
  it('gives at most 200 characters of one line', () => {
    expect(cleanText(' a\r\n\tb\u0000c\u200bd ')).toBe('a b c d');
    expect(cleanText('x'.repeat(1_000))).toHaveLength(200);
  });

  it.each([
    ['no e-mail ana.diaz+1@example.co.uk here', 'no e-mail ************************ here'],
    ['mailto:ana%40example.com', '*'.repeat(24)],
    ['phone +1 (555) 777-8899 is unknown', 'phone +**************** is unknown'],
    ['phone 5557778899', 'phone **********'],
    ['error 400123, status 409', 'error 400123, status 409'],
  ])('masks e-mail addresses and phone numbers: %j', (text, cleaned) => {
    expect(cleanText(text)).toBe(cleaned);
  });

  it('masks before it cuts, so that no card number survives in part', () => {
    const text = cleanText(`${'x'.repeat(190)}${PAN}`);
    expect(text).toHaveLength(200);
    expect(text).not.toMatch(/\d/);
  });
});
