import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RECORD_SHAPE, shapeProblem, type Shape } from '../../enrollment/record-shape.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import { recordSchemas } from '../../enrollment/schemas.js';
import { testRecord } from '../support/records.js';

const INPUT: Shape = { program: null, records: { inline: [RECORD_SHAPE] } };
const problemOf = (record: unknown) => shapeProblem({ records: { inline: [record] } }, INPUT);
const record = testRecord(1);
const withCard = (card: object) => ({ ...record, cards: [{ ...record.cards[0], ...card }] });

/** The fields that a schema knows, in the form of a shape. */
function shapeOf(schema: z.core.$ZodType): Shape {
  if (schema instanceof z.ZodOptional) return shapeOf(schema.unwrap());
  if (schema instanceof z.ZodPipe) return shapeOf(schema.in);
  if (schema instanceof z.ZodArray) return [shapeOf(schema.element)];
  if (!(schema instanceof z.ZodObject)) return null;
  return Object.fromEntries(
    Object.entries(schema.shape as z.core.$ZodShape).map(([name, inner]) => [name, shapeOf(inner)]),
  );
}

const schemas = recordSchemas(batchEnroll.records);

describe('the shape of a record', () => {
  it('has the fields that the schemas have', () => {
    expect(RECORD_SHAPE).toEqual({
      ...(shapeOf(schemas.record) as object),
      cards: [shapeOf(schemas.card)],
    });
  });

  it('is that of a record with all fields, with none, and with values that are not valid', () => {
    for (const accepted of [record, {}, null, { externalConsumerId: 1, consumer: null, cards: [null, {}] }])
      expect(problemOf(accepted)).toBeUndefined();
  });

  it.each([
    'cvv',
    'CVV2',
    'cvc',
    'card_cvv',
    'securityCode',
    'cardSecurityCode',
    'pin',
    'PIN-block',
    'track2',
    'trackData',
    'track_1_data',
  ])('says of %s that it must never be sent', (name) => {
    expect(problemOf(withCard({ [name]: '123' }))).toBe(
      `records.inline[0].cards[0].${name} must never be sent: security codes, PINs and track data may not be stored`,
    );
  });

  it('names the first of many problems, and says that there are more', () => {
    const cards = Array.from({ length: 10 }, () => ({ cvv: '1', pin: '2' }));
    const problem = problemOf({ cards })!;
    expect(problem).toMatch(
      /^records\.inline\[0\]\.cards\[0\]\.cvv must .*; records\.inline\[0\]\.cards\[0\]\.pin must/,
    );
    expect(problem).toMatch(/cards\[2\]\.cvv [^;]*; and more$/);
  });

  it.each([
    ['__proto__', JSON.parse('{"__proto__": {"cvv": 1}}') as object],
    ['constructor', { constructor: 1 }],
    ['a name of another person', { 'Ada Lovelace': 1 }],
    ['a name that a card number is part of', { 'cvv 5186001700009726': 1 }],
  ])('does not repeat a name that it does not know: %s', (_, card) => {
    const cards = [card];
    expect(problemOf({ cards })).toBe(
      'records.inline[0].cards[0] has a field that c2p does not know; it may have: externalCardId, ' +
        'primaryAccountNumber, panExpirationMonth, panExpirationYear, billingAddress',
    );
  });

  it.each<[unknown, string]>([
    ['text', 'records.inline[0] must be an object'],
    [[], 'records.inline[0] must be an object'],
    [{ consumer: 'text' }, 'records.inline[0].consumer must be an object'],
    [{ cards: { 0: {} } }, 'records.inline[0].cards must be a list'],
    [{ cards: [[]] }, 'records.inline[0].cards[0] must be an object'],
    [{ externalConsumerId: ['1'] }, 'records.inline[0].externalConsumerId must not be a list'],
  ])('is not that of %j', (value, problem) => {
    expect(problemOf(value)).toBe(problem);
  });
});
