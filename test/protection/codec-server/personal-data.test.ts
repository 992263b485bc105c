import { defaultPayloadConverter } from '@temporalio/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskPayload } from '../../../protection/codec-server/personal-data.js';
import { testRecord } from '../../support/records.js';

const shown = (value: unknown): unknown =>
  defaultPayloadConverter.fromPayload(maskPayload(defaultPayloadConverter.toPayload(value)));

const TEXT = '[masked text]';

describe('what is shown of a decoded payload without the scope for personal data', () => {
  it('is a batch as it is, with its counts', () => {
    const batch = {
      program: 'demo',
      externalBatchId: '2026-11-debit-0001',
      cards: 30,
      counts: { cards: 30, enrolled: 22 },
      reasons: ['4 cards failed'],
      startedAt: 1_796_033_829_371,
      isCancelled: true,
      flowId: null,
    };
    expect(shown(batch)).toEqual(batch);
  });

  it('is no value of an inline record but the ends of its ids and card numbers', () => {
    const record = testRecord(1234, 2);
    const masked = shown({ program: 'demo', records: { inline: [record] } });
    const visible = valuesOf(masked).join(' ');
    for (const value of valuesOf(record)) expect(visible.split(' ')).not.toContain(value);
    expect(masked).toMatchObject({
      records: { inline: [{ externalConsumerId: '…1234', consumer: { lastName: TEXT } }] },
    });
    expect(visible).toContain(`…${record.cards[1]!.primaryAccountNumber.slice(-4)}`);
  });

  it('is the structure of records of an unexpected shape, and neither their values nor their names', () => {
    const customer = { firstName: 'Ada', card: { cvv: '123', pin: 4321, isVip: true, none: null } };
    expect(shown({ program: 'demo', customer, records: { inline: [{ customer }, 'Ada'] } })).toEqual({
      program: 'demo',
      '[masked name 2]': masked,
      records: { inline: [{ '[masked name 1]': masked }, TEXT] },
    });
    expect(shown({ records: [{ customer }] })).toEqual({ records: [{ '[masked name 1]': masked }] });
    expect(shown([customer])).toEqual([masked]);
  });
  const masked = {
    firstName: TEXT,
    card: {
      '[masked name 1]': TEXT,
      '[masked name 2]': '[masked number]',
      '[masked name 3]': '[masked boolean]',
      '[masked name 4]': null,
    },
  };

  it('is nothing that only stands in the place of something harmless', () => {
    expect(
      shown({
        status: { firstName: 'Ada', reason: 'Ada' },
        cards: ['Ada', { reason: 'Ada', cvv: 123 }],
        records: { reason: 'Ada' },
        reasons: [['Ada']],
        program: 'Ada Lovelace',
        counts: { enrolled: '123' },
        isLast: 123,
        Reasons: ['Ada'],
        consumer: { reason: 'Ada', status: 'Ada', cards: 123 },
      }),
    ).toEqual({
      status: { firstName: TEXT, reason: TEXT },
      cards: [TEXT, { reason: TEXT, '[masked name 2]': '[masked number]' }],
      records: { reason: TEXT },
      reasons: [[TEXT]],
      program: TEXT,
      counts: { enrolled: TEXT },
      isLast: '[masked number]',
      '[masked name 8]': [TEXT],
      consumer: { reason: TEXT, status: TEXT, cards: '[masked number]' },
    });
  });

  it('is a source without the query of its address, which may hold a signature', () => {
    const source = { url: 'https://files.bank.example/cards.csv?signature=abc#abc' };
    expect(shown({ source })).toEqual({ source: { url: 'https://files.bank.example/cards.csv' } });
    expect(shown({ source: { url: 'Ada' }, url: source.url })).toEqual({ source: { url: TEXT }, url: TEXT });
  });

  it('shows ids by their last four characters, and what has not the form of one not at all', () => {
    expect(
      shown({
        externalCardId: 'card-000123',
        externalConsumerId: 'c-1',
        srcConsumerId: 12345678,
        srcDigitalCardId: 'Ada Lovelace',
        primaryAccountNumber: '1234567',
      }),
    ).toEqual({
      externalCardId: '…0123',
      externalConsumerId: TEXT,
      srcConsumerId: '[masked number]',
      srcDigitalCardId: TEXT,
      primaryAccountNumber: TEXT,
    });
  });

  it('masks card numbers, e-mail addresses and phone numbers in every text, number and name', () => {
    const pan = '5186001700009726';
    const seen = JSON.stringify(shown({ message: `card ${pan}`, [pan]: 1, n: Number(pan), program: pan }));
    expect(seen).not.toContain(pan);
    expect(shown({ reason: 'ask <ada.q@bank.example>, or ada%40bank.example, or +44 7700 900123' })).toEqual({
      reason: 'ask <******************>, or ******************, or +**************',
    });
    expect(shown('round 1, for ada.q@bank.example')).toBe('round 1, for ******************');
  });

  it('is nothing of a text that is JSON of its own', () => {
    for (const value of [{ customer: 'Ada' }, ['Ada']])
      expect(shown(JSON.stringify(value, null, 2))).toBe(TEXT);
    expect(shown(' {"customer": "Ada"')).toBe(TEXT);
    expect(shown({ reason: '[OPS-12] Mastercard says so' })).toEqual({
      reason: '[OPS-12] Mastercard says so',
    });
  });

  it('is the size of what is not JSON', () => {
    expect(shown(new Uint8Array(5))).toBe('[masked 5 bytes]');
    expect(shown(undefined)).toBeUndefined();
  });

  it('is nothing beside the value: no other metadata, and no data where there is none', () => {
    const metadata = (encoding: string) => ({ encoding: Buffer.from(encoding), name: Buffer.from('Ada') });
    for (const encoding of ['binary/null', 'json/plain', 'binary/plain']) {
      const payload = maskPayload({ metadata: metadata(encoding), data: Buffer.from('{"name": "Ada"}') });
      expect(Object.keys(payload.metadata!)).toEqual(['encoding']);
      expect(Buffer.from(payload.data!).toString()).not.toContain('Ada');
    }
  });

  it('is nothing that is nested deeper than what c2p writes', () => {
    const payload = defaultPayloadConverter.toPayload('');
    const shownAt = (depth: number) => {
      const data = Buffer.from(`${'['.repeat(depth)}"Ada"${']'.repeat(depth)}`);
      return Buffer.from(maskPayload({ ...payload, data }).data!).toString();
    };
    expect(shownAt(50)).toMatch(/^\[+"\[masked list\]"\]+$/);
    expect(shownAt(20_000)).toBe('"[masked 40005 bytes]"');
  });

  it('is the size of what is larger than what c2p writes', () => {
    expect(shown({ program: 'x'.repeat(600_000) })).toMatch(/^\[masked 6\d{5} bytes\]$/);
  });

  it('is the first 20,000 values of one that has more, and how many there are besides', () => {
    const list = shown({ polls: 1, reasons: Array.from({ length: 30_000 }, () => 'slow') }) as {
      reasons: unknown[];
    };
    expect(list).toMatchObject({ polls: 1 });
    expect(list.reasons).toHaveLength(19_999);
    expect(list.reasons.slice(-2)).toEqual(['slow', '[masked 10002 more]']);
    const many = shown(Object.fromEntries(Array.from({ length: 20_001 }, (_, n) => [`n${n}`, n]))) as object;
    expect(Object.entries(many).at(-1)).toEqual(['[masked names]', '[masked 1 more]']);
  });

  it('is never a value of what c2p does not write, whatever surrounds it', () => {
    const secret = fc.string({ minLength: 12, unit: fc.constantFrom(...'qxzj') });
    const name = fc.oneof(
      fc.string(),
      secret,
      fc.constantFrom('reason', 'status', 'counts', 'records', 'cards'),
    );
    const inside = fc.letrec((tie) => ({
      node: fc.oneof({ maxDepth: 4 }, secret, fc.array(tie('node')), fc.dictionary(name, tie('node'))),
    })).node;
    const field = fc.oneof(
      secret,
      fc.constantFrom('customer', 'consumer', 'inline', 'billingAddress', 'firstName'),
    );
    fc.assert(
      fc.property(inside, field, (value, unknown) => {
        expect(JSON.stringify(shown({ input: [{ [unknown]: value }] }))).not.toMatch(/[qxzj]{12}/);
      }),
    );
  });
});

function valuesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(valuesOf) : [];
}
