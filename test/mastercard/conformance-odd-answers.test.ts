import { describe, expect, test } from 'vitest';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import type { EnrollmentApi } from '../../mastercard/api/enrollment-api.js';
import { runConformance, type ConformanceOptions } from '../../mastercard/conformance/session.js';
import type { Call } from '../../mastercard/signed-call.js';
import { testRecord } from '../support/records.js';

const PAN = '5186001700009726';
const record = testRecord(1);
record.cards[0]!.primaryAccountNumber = PAN;
record.consumer.firstName = 'Zebulon';

type Answer = [status: number, body: unknown] | 'lost';
/** The calls of a session, by what they are for. */
type Script = Partial<
  Record<'unknown' | 'incomplete' | 'enroll' | 'again' | 'status' | 'ofSecond' | 'card' | 'profile', Answer>
>;

const IDS = { externalConsumerId: 'cust-1', externalCardId: 'card-100' };
const done = (batchId: string, ...records: object[]): Answer => [
  200,
  { batchId, externalBatchId: 'any', batchStatus: 'COMPLETED_SUCCESSFULLY', records },
];
const enrolled = { ...IDS, status: 'SUCCESS', srcConsumerId: 'sc', srcDigitalCardId: 'sd' };

const USUAL: Required<Script> = {
  unknown: [404, { status: 404, reason: 'NOT_FOUND' }],
  incomplete: [
    400,
    { reason: 'INVALID_ARGUMENT', errordetail: [{ source: 'enrollmentData', reason: 'CANNOT_BE_NULL' }] },
  ],
  enroll: [202, { batchId: 'b1' }],
  again: [409, { reason: 'ALREADY_EXISTS', batchId: 'b1' }],
  status: done('b1', enrolled),
  ofSecond: done('b2', { ...enrolled, srcDigitalCardId: 'sd2' }),
  card: [200, { srcCorrelationId: 'x' }],
  profile: [200, { srcCorrelationId: 'x' }],
};

/** A session with a Mastercard that answers as usual, but for what the test writes down. */
async function session(script: Script, changes: Partial<ConformanceOptions> = {}) {
  const calls: string[] = [];
  let offers = 0;
  const purposeOf = ({ operation, request }: Pick<Call<unknown>, 'operation' | 'request'>): keyof Script => {
    if (operation === 'deleteCard') return 'card';
    if (operation === 'deleteProfile') return 'profile';
    if (operation === 'fetchBatchStatus')
      return offers === 0 ? 'unknown' : request.path.endsWith('/b2') ? 'ofSecond' : 'status';
    if (!('enrollmentData' in request.body!)) return 'incomplete';
    offers += 1;
    return offers === 1 ? 'enroll' : 'again';
  };
  const result = await runConformance({
    api: batchEnroll,
    srcClientId: '5e0d4b84-189d-4c86-822d-590602f62062',
    serviceId: 'SRC',
    records: [record],
    pollEvery: 1,
    pollFor: 50,
    encrypt: () => Promise.resolve('a.b.c.d.e'),
    confirm: () => Promise.resolve(true),
    onExchange: () => undefined,
    caller: {
      send(call) {
        calls.push(`${call.request.method} ${call.request.path}`);
        const answer = { ...USUAL, ...script }[purposeOf(call)];
        if (answer === 'lost')
          return Promise.resolve({ answered: false, written: true, problem: 'UND_ERR_SOCKET' });
        const [httpStatus, body] = answer;
        return Promise.resolve({
          answered: true,
          httpStatus,
          body: typeof body === 'string' ? body : JSON.stringify(body),
          header: () => undefined,
        });
      },
    },
    ...changes,
  });
  const contradicted = result.verdicts.filter(({ verdict }) => verdict === 'contradicted');
  return { ...result, calls, contradicted: contradicted.map(({ assumption }) => assumption) };
}

const OF_BATCH = expect.stringMatching(/^all cards of externalBatchId c2p_test/) as string;

describe('what may be enrolled when a session ends is named', () => {
  test.each<[string, Script, unknown[]]>([
    ['the answer to the batch is lost', { enroll: 'lost' }, [OF_BATCH]],
    ['Mastercard answers 504', { enroll: [504, ''] }, [OF_BATCH]],
    ['Mastercard answers 408', { enroll: [408, ''] }, [OF_BATCH]],
    [
      'Mastercard says that it has the batch already',
      { enroll: [409, { reason: 'ALREADY_EXISTS' }] },
      [OF_BATCH],
    ],
    ['the receipt cannot be read', { enroll: [202, 'ok'] }, [OF_BATCH]],
    ['Mastercard refuses the batch', { enroll: [400, { reason: 'INVALID_ARGUMENT' }] }, []],
    ['the second answer is 500', { again: [500, ''] }, ['all cards of batchId b1']],
    [
      'a card has an unknown status',
      { status: done('b1', { ...enrolled, status: 'ADDED' }) },
      ['externalCardId card-100'],
    ],
    ['the batch is done without records', { status: done('b1') }, ['externalCardId card-100']],
    ['a removal is only received', { card: [202, { srcCorrelationId: 'x' }] }, ['sd']],
    ['a removal is not what the API says', { card: [200, { status: 'PENDING' }] }, ['sd']],
    [
      'the profile is not removed',
      { profile: [404, { Errors: { Error: [{ ReasonCode: 'X' }] } }] },
      ['the profile sc'],
    ],
    [
      'a second batch is accepted whose batchId cannot be read',
      { again: [202, { batchId: '..' }] },
      [expect.stringContaining('all cards of another batch of externalBatchId')],
    ],
  ])('where %s', async (_, script, left) => {
    expect((await session(script)).left).toEqual(left);
  });

  test('where the session is interrupted', async () => {
    const over = new AbortController();
    const { left, stopped } = await session(
      { status: [200, { batchId: 'b1', externalBatchId: 'any', batchStatus: 'IN_PROGRESS' }] },
      {
        signal: over.signal,
        pollFor: 60_000,
        onExchange: ({ request }) => request.path.endsWith('/b1') && over.abort(),
      },
    );
    expect({ left, stopped }).toEqual({ left: ['all cards of batchId b1'], stopped: 'it was interrupted' });
  });

  test('where the API module fails', async () => {
    const request: EnrollmentApi['status']['request'] = (caller, batchId) => {
      if (batchId === 'b1') throw new TypeError(PAN);
      return batchEnroll.status.request(caller, batchId);
    };
    const api = { ...batchEnroll, status: { ...batchEnroll.status, request } };
    const { left, stopped } = await session({}, { api });
    expect({ left, stopped }).toEqual({
      left: ['all cards of batchId b1'],
      stopped: 'it failed (TypeError)',
    });
  });
});

test('the cards of a second batch are removed, too', async () => {
  const { calls, left } = await session({ again: [202, { batchId: 'b2' }] });
  expect(calls).toContain('DELETE /cards/sd');
  expect(calls).toContain('DELETE /cards/sd2');
  expect(left).toEqual([]);
});

test('a card that was not sent is not removed, and contradicts what names a card', async () => {
  const foreign = { ...enrolled, externalCardId: 'card-of-others', srcDigitalCardId: 'of-others' };
  const { calls, contradicted } = await session({ status: done('b1', enrolled, foreign) });
  expect(calls).not.toContain('DELETE /cards/of-others');
  expect(contradicted).toContain('cardIds');
});

test('a caller that Mastercard refuses is no fault of the API module', async () => {
  const refused: Answer = [
    400,
    { reason: 'INVALID_STATE', errordetail: [{ source: 'srcClientId', reason: 'NOT_FOUND' }] },
  ];
  const { contradicted, stopped } = await session({ unknown: refused });
  expect(contradicted).toEqual([]);
  expect(stopped).toContain('correct srcClientId and serviceId of the program');
});

test.each(['unknown', 'enroll', 'again', 'status', 'card'] as const)(
  'nothing that Mastercard repeats in an error stands in the result: of the call %s',
  async (call) => {
    const message = `card ${PAN} of ZEBULON, consumer1@example.com: OAuth oauth_consumer_key="a!b",oauth_signature="c2ln"`;
    for (const status of [400, 401, 500]) {
      const result = JSON.stringify(await session({ [call]: [status, { reason: 'INTERNAL', message }] }));
      for (const value of [PAN, 'ZEBULON', 'consumer1@', 'c2ln']) expect(result).not.toContain(value);
    }
    const odd = JSON.stringify(await session({ enroll: [202, { batchId: PAN }], status: [500, ''] }));
    expect(odd.replace(/"calls":\[.*?\]/, '')).not.toContain(PAN);
  },
);
