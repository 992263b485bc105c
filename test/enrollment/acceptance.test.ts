import { expect, test } from 'vitest';
import { acceptBatch } from '../../enrollment/acceptance.js';
import { card, record } from './generators.js';

test('a batch is refused whose id holds a card number of its own records, and no other', () => {
  const numbers = ['4000000000000000006', '5186001700009726'];
  const records = numbers.map((primaryAccountNumber, n) =>
    record(`c${n}`, [card(`k${n}`, { primaryAccountNumber })]),
  );
  const accepted = (externalBatchId: string) =>
    acceptBatch({ externalBatchId, records }, { maxCardsPerBatch: 9 });
  expect(accepted('b-14000000000000000006').problem).toMatch(/^externalBatchId looks like a card number/);
  expect(accepted('b-14000000000000000007')).toEqual({ cards: 2 });
});
