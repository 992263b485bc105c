import { expect, test } from 'vitest';
import { transcriptOf } from '../../mastercard/conformance/transcript.js';
import { testRecord } from '../support/records.js';

const record = testRecord(7);
record.consumer.firstName = 'Zebulon';
record.consumer.lastName = 'Li';
record.cards[0]!.billingAddress = { line1: '1 Main St', city: 'Edison', countryCode: 'US' };
const [card] = record.cards;

function transcript(body: string, headers: Record<string, string> = {}): string {
  const request = {
    method: 'POST',
    path: '/cards/batch',
    body: { externalBatchId: 'b-1', enrollmentData: 'eyJhbGciOiJSU0EtT0FFUC0yNTYi.bb.cc.dd.ee' },
  } as const;
  const answer = { answered: true, httpStatus: 400, body, header: (name: string) => headers[name] } as const;
  return transcriptOf({ request, answer }, [record], ['x-site']);
}

test('a transcript has the request without its JWE, and of the answer the status, some headers and the body', () => {
  const text = transcript('{"reason":"INVALID_ARGUMENT"}', {
    'x-site': 'site-1',
    'set-cookie': 'session=1',
    'content-type': 'application/json',
  });
  expect(text.split('\n')).toEqual([
    '> POST /cards/batch',
    '> {',
    '>   "externalBatchId": "b-1",',
    '>   "enrollmentData": "(a JWE of 40 characters)"',
    '> }',
    '< 400',
    '< content-type: application/json',
    '< x-site: site-1',
    '< {',
    '<   "reason": "INVALID_ARGUMENT"',
    '< }',
  ]);
});

test.each([
  ['its card number', card!.primaryAccountNumber],
  ['its card number in groups', card!.primaryAccountNumber.replace(/(\d{4})(?=\d)/g, '$1 ')],
  ['its e-mail address', record.consumer.emailAddress],
  ['its e-mail address in capitals', record.consumer.emailAddress.toUpperCase()],
  ['its phone number', record.consumer.mobileNumber.phoneNumber],
  ['a name', 'Zebulon'],
  ['a name in capitals', 'ZEBULON'],
  ['a street', '1 Main St'],
  ['a name of two letters, as a word', 'LI'],
])('nothing of a record that Mastercard repeats stands in a transcript: %s', (_what, value) => {
  expect(transcript(JSON.stringify({ message: `no ${value} here` }))).not.toContain(value);
  expect(transcript(`<html>${value}</html>`)).not.toContain(value);
  expect(transcript('{}', { 'x-site': value })).not.toContain(value);
});

test('what Mastercard repeats of the request stands in no transcript: not the JWE, not the signature', () => {
  const text = transcript(
    JSON.stringify({
      message: 'OAuth oauth_consumer_key="a!b",oauth_signature="c2ln"',
      data: `eyJ${'a'.repeat(40)}.b.c.d.e`,
    }),
  );
  expect(text).not.toContain('c2ln');
  expect(text).not.toContain('eyJ');
});

test('the ids of the issuer stay, to be found by', () => {
  expect(transcript('{"source":"card-700 of cust-7"}')).toContain('card-700 of cust-7');
});
