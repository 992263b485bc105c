import { defaultPayloadConverter } from '@temporalio/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskPayload } from '../../../protection/codec-server/personal-data.js';
import { testRecord } from '../../support/records.js';

const shown = (value: unknown): unknown =>
  defaultPayloadConverter.fromPayload(maskPayload(defaultPayloadConverter.toPayload(value)));

describe('what is shown of a decoded payload without the scope for personal data', () => {
  it('is a batch as it is, with its counts', () => {
    const batch = {
      program: 'demo',
      externalBatchId: '2026-11-debit-0001',
      cards: 30,
      counts: { cards: 30, enrolled: 22 },
      reasons: ['4 cards failed'],
      done: true,
      none: null,
    };
    expect(shown(batch)).toEqual(batch);
  });

  it('is no value of an inline record but the ends of its ids and card numbers', () => {
    const record = testRecord(1234, 2);
    const masked = shown({ program: 'demo', records: { inline: [record] } });
    const visible = valuesOf(masked).join(' ');
    for (const value of valuesOf(record)) expect(visible.split(' ')).not.toContain(value);
    expect(masked).toMatchObject({ records: { inline: [{ externalConsumerId: '…1234' }] } });
    expect(visible).toContain(`…${record.cards[1]!.primaryAccountNumber.slice(-4)}`);
  });

  it('masks by field wherever it is, in whatever case, whatever it holds', () => {
    expect(shown({ a: [{ EmailAddress: 'ada@example.org', cards: [{ later: ['x', 1, true] }] }] })).toEqual({
      a: [{ EmailAddress: '[masked]', cards: [{ later: ['[masked]', '[masked]', '[masked]'] }] }],
    });
  });

  it('shows ids by their last four characters, and short ones not at all', () => {
    expect(
      shown({ externalCardId: 'card-000123', externalConsumerId: 'c-1', srcConsumerId: 12345678 }),
    ).toEqual({
      externalCardId: '…0123',
      externalConsumerId: '[masked]',
      srcConsumerId: '[masked]',
    });
  });

  it('masks card numbers in any text, number and name', () => {
    const pan = '5186001700009726';
    expect(JSON.stringify(shown({ message: `card ${pan}`, [pan]: 1, n: Number(pan) }))).not.toContain(pan);
  });

  it('masks e-mail addresses in any text and name, also percent-encoded', () => {
    expect(shown({ note: 'ask <ada.q@bank.example>, or ada%40bank.example', 'a@b': '@' })).toEqual({
      note: 'ask <******************>, or ******************',
      '***': '@',
    });
  });

  it('is the size of what is not JSON', () => {
    expect(shown(new Uint8Array(5))).toBe('[masked] 5 bytes');
    expect(shown(undefined)).toBeUndefined();
  });

  it('is never a value of a person, whatever surrounds it', () => {
    const secret = fc.string({ minLength: 12, unit: fc.constantFrom(...'qxzj') });
    const inside = fc.letrec((tie) => ({
      node: fc.oneof({ maxDepth: 4 }, secret, fc.array(tie('node')), fc.dictionary(fc.string(), tie('node'))),
    })).node;
    const field = fc.constantFrom(
      'consumer',
      'cards',
      'billingAddress',
      'inline',
      'firstName',
      'emailAddress',
    );
    fc.assert(
      fc.property(inside, field, (value, name) => {
        for (const visible of valuesOf(shown({ x: [{ [name]: value }] })))
          expect(visible).not.toMatch(/[qxzj]{12}/);
      }),
    );
  });
});

function valuesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(valuesOf) : [];
}
