import { MockAgent, errors } from 'undici';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BatchSubmission, EnrollmentGateway } from '../../mastercard/gateway.js';
import { GatewayFailure } from '../../mastercard/errors.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import type { EnrollmentApi } from '../../mastercard/api/enrollment-api.js';
import { createHttpGateway, type HttpGatewayOptions } from '../../mastercard/http-gateway.js';
import { encryptEnrollmentData } from '../../mastercard/jwe.js';
import type { CallEvent } from '../../mastercard/signed-call.js';
import { testRecord } from '../support/records.js';
import { rsaKeyPair } from './key-files.js';

const ORIGIN = 'https://mastercard.test';
const PATH = '/src/api/cards/batch';
const CORRELATION_ID = '6f0a1c1e-8d1b-4a5e-9a43-1d7a4d0f4a11';
const PAN = '5186001700009726';
const keys = rsaKeyPair();

let mock: MockAgent;
let gateway: EnrollmentGateway;
let events: CallEvent[];
let submission: BatchSubmission;
let options: HttpGatewayOptions;

beforeAll(async () => {
  const recipient = { kid: 'k', key: keys.publicKey };
  const enrollmentData = await encryptEnrollmentData({ enrollments: [testRecord(1)] }, recipient, 'A128GCM');
  submission = { externalBatchId: 'batch-1', enrollmentData, correlationId: CORRELATION_ID };
});
beforeEach(() => {
  events = [];
  mock = new MockAgent();
  mock.disableNetConnect();
  options = {
    api: batchEnroll,
    baseUrl: `${ORIGIN}/src/api`,
    srcClientId: '5e0d4b84-189d-4c86-822d-590602f62062',
    serviceId: 'SRC#1',
    consumerKey: 'client!key',
    signingKey: keys.privateKey,
    dispatcher: mock,
    onCall: (event) => events.push(event),
  };
  gateway = createHttpGateway(options);
});
afterEach(() => mock.close());

interface Seen {
  path: string;
  body: string;
  headers: Record<string, string>;
}

/** Answers the next call of the method, and that one only. @returns what was asked, once it was. */
function answer(
  method: 'GET' | 'POST' | 'DELETE',
  status: number,
  body: string | object,
  headers: Record<string, string> = {},
): Partial<Seen> {
  const seen: Partial<Seen> = {};
  mock
    .get(ORIGIN)
    .intercept({ method, path: () => true })
    .reply((request) => {
      Object.assign(seen, { path: request.path, body: request.body ?? '', headers: request.headers });
      return { statusCode: status, data: body, responseOptions: { headers } };
    });
  return seen;
}

async function failure(call: Promise<unknown>): Promise<GatewayFailure> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(GatewayFailure);
  return error as GatewayFailure;
}

const ask = () => gateway.fetchBatchStatus({ batchId: 'mc-1', correlationId: CORRELATION_ID });
const offer = () => gateway.submitBatch(submission);

describe('submitBatch', () => {
  it('sends the batch as the contract has it and gives the id that Mastercard gave it', async () => {
    const seen = answer(
      'POST',
      202,
      { batchId: 'mc-1', externalBatchId: 'batch-1', unknown: [1] },
      { 'x-src-cx-flow-id': 'site-7' },
    );
    expect(await offer()).toEqual({ batchId: 'mc-1', flowId: 'site-7' });
    expect(seen.path).toBe(PATH);
    expect(JSON.parse(seen.body ?? '')).toEqual({
      srcClientId: '5e0d4b84-189d-4c86-822d-590602f62062',
      serviceId: 'SRC#1',
      srcCorrelationId: CORRELATION_ID,
      externalBatchId: 'batch-1',
      enrollmentData: submission.enrollmentData,
    });
    expect(seen.headers).toMatchObject({ accept: 'application/json', 'content-type': 'application/json' });
    expect(seen.headers?.authorization).toMatch(/^OAuth oauth_body_hash="/);
    expect(seen.headers).not.toHaveProperty('x-src-cx-flow-id');
  });

  it.each([
    ['no body', ''],
    ['HTML', '<html></html>'],
    ['malformed JSON', '{"batchId":'],
    ['no batchId', '{"externalBatchId":"batch-1"}'],
    ['an empty batchId', '{"batchId":"","externalBatchId":"batch-1"}'],
    ['a batchId that is no text', '{"batchId":7,"externalBatchId":"batch-1"}'],
    ['a batchId that is a way through folders', '{"batchId":"..","externalBatchId":"batch-1"}'],
    ['a batchId of 256 characters', JSON.stringify({ batchId: 'x'.repeat(256) })],
    ['an error after all', '{"Errors":{"Error":[{"Recoverable":true}]}}'],
  ])('does not know what became of the batch when a 202 has %s', async (_name, body) => {
    answer('POST', 202, body);
    const error = await failure(offer());
    expect(error).toMatchObject({ code: 'GATEWAY_FAILURE', kind: 'unknown', httpStatus: 202 });
    expect(error.message).toContain('no usable batchId');
  });

  it('does not take the receipt of another batch for its own', async () => {
    answer('POST', 202, { batchId: 'mc-1', externalBatchId: 'batch-2' });
    const error = await failure(offer());
    expect(error.kind).toBe('unknown');
    expect(error.message).toContain('the answer is about another externalBatchId');
  });

  it('takes a receipt that does not repeat the externalBatchId', async () => {
    answer('POST', 202, { batchId: 'mc-1', externalBatchId: null });
    expect(await offer()).toEqual({ batchId: 'mc-1' });
  });

  it('gives the batchId of a duplicate when the answer names it', async () => {
    answer('POST', 409, {
      status: 409,
      reason: 'ALREADY_EXISTS',
      batchId: 'mc-7',
      externalBatchId: 'batch-1',
    });
    expect(await failure(offer())).toMatchObject({ kind: 'duplicate', batchId: 'mc-7' });
  });

  it.each([
    ['does not name it', {}],
    ['names one that cannot be', { batchId: '' }],
    ['names that of another batch', { batchId: 'mc-7', externalBatchId: 'batch-2' }],
  ])('gives no batchId of a duplicate when the answer %s', async (_name, part) => {
    answer('POST', 409, { status: 409, reason: 'ALREADY_EXISTS', ...part });
    const error = await failure(offer());
    expect(error.kind).toBe('duplicate');
    expect(error.batchId).toBeUndefined();
  });

  it('says what Mastercard refused, and what it is called there, with card numbers masked', async () => {
    const body = {
      status: 400,
      reason: 'INVALID_ARGUMENT',
      errordetail: [{ reason: 'INVALID_FORMAT', source: 'enrollmentData', message: `bad ${PAN}` }],
    };
    answer('POST', 400, body, { 'X-MC-Correlation-ID': 'mc-corr-1' });
    const error = await failure(offer());
    expect(error).toMatchObject({
      kind: 'refused',
      operation: 'submitBatch',
      httpStatus: 400,
      reason: 'INVALID_ARGUMENT',
      details: [{ reason: 'INVALID_FORMAT', source: 'enrollmentData', message: 'bad ************9726' }],
      correlationId: 'mc-corr-1',
    });
    expect(error.message).toBe(
      'submitBatch failed (answer 400 INVALID_ARGUMENT; enrollmentData INVALID_FORMAT): ' +
        'the request is wrong; correct what the details name',
    );
  });

  it.each(['ana@example.com', 'Ana Example', '+15557778899'])(
    'does not take %j for a correlation id',
    async (value) => {
      answer('POST', 400, {}, { 'Correlation-Id': value });
      expect((await failure(offer())).correlationId).toBeUndefined();
      expect(events[0]?.mastercardCorrelationId).toBeUndefined();
    },
  );

  it('passes on how long Mastercard asks to wait', async () => {
    answer('POST', 429, '', { 'retry-after': '17' });
    expect(await failure(offer())).toMatchObject({ kind: 'notAccepted', retryAfterMs: 17_000 });
  });

  it('calls it a configuration error when the key cannot sign', async () => {
    const broken = createHttpGateway({ ...options, signingKey: keys.publicKey });
    expect(await failure(broken.submitBatch(submission))).toMatchObject({ kind: 'configuration' });
  });
});

describe('fetchBatchStatus', () => {
  const report = { batchId: 'mc-1', externalBatchId: 'batch-1', batchStatus: 'IN_PROGRESS' };

  it('asks with its ids in the query and gives what Mastercard reports', async () => {
    const ids = { externalConsumerId: 'c', externalCardId: 'd', srcDigitalCardId: 'x' };
    const seen = answer('GET', 200, {
      ...report,
      batchStatus: 'NEW_STATUS',
      records: [{ ...ids, status: 'SUCCESS', more: 1 }],
    });
    expect(await ask()).toEqual({
      ...report,
      batchStatus: 'NEW_STATUS',
      state: 'unknown',
      cards: [{ ...ids, result: 'enrolled', rawStatus: 'SUCCESS' }],
    });
    expect(seen.path).toBe(
      `${PATH}/mc-1?srcClientId=5e0d4b84-189d-4c86-822d-590602f62062&serviceId=SRC%231&srcCorrelationId=${CORRELATION_ID}`,
    );
    expect(seen.headers).not.toHaveProperty('content-type');
  });

  it.each([undefined, null, []])('takes records of %j as none yet', async (records) => {
    answer('GET', 200, { ...report, records });
    expect((await ask()).cards).toEqual([]);
  });

  it('sends back the flow id of the batch, and none that may not be one', async () => {
    const request = { batchId: 'mc-1', correlationId: CORRELATION_ID };
    const first = answer('GET', 200, report, { 'x-src-cx-flow-id': 'bad flow id' });
    const { flowId } = await gateway.fetchBatchStatus({ ...request, flowId: 'site-7' });
    expect(first.headers).toMatchObject({ 'x-src-cx-flow-id': 'site-7' });
    expect(flowId).toBeUndefined();
    const second = answer('GET', 200, report);
    await gateway.fetchBatchStatus({ ...request, flowId: 'bad\r\nflow' });
    expect(second.headers).not.toHaveProperty('x-src-cx-flow-id');
  });

  it('keeps the error of a declined record, whatever of it is odd', async () => {
    const declined = { externalConsumerId: 'c', externalCardId: 'd', status: 'FAILED' };
    const error = {
      status: 'x',
      reason: 'INVALID_STATE',
      errordetail: null,
      details: [{ reason: 'INVALID_PAN' }],
    };
    answer('GET', 200, {
      ...report,
      records: [
        { ...declined, error },
        { ...declined, error: null },
      ],
    });
    const { cards } = await ask();
    expect(cards[0]).toMatchObject({ result: 'failed', reason: 'INVALID_PAN' });
    expect(cards[1]).toMatchObject({ result: 'failed' });
    expect(cards[1]?.reason).toBeUndefined();
  });

  it.each([
    ['HTML', '<html></html>'],
    ['no status', { batchId: 'mc-1', externalBatchId: 'batch-1' }],
    ['a record without its ids', { ...report, records: [{ status: 'SUCCESS', externalCardId: PAN }] }],
    ['another batchId', { ...report, batchId: PAN }],
  ])('says that the answer cannot be used when it is %s, and echoes none of it', async (_name, body) => {
    answer('GET', 200, body);
    const error = await failure(ask());
    expect(error).toMatchObject({ kind: 'unknown', operation: 'fetchBatchStatus', httpStatus: 200 });
    expect(JSON.stringify([error.message, error])).not.toContain(PAN);
  });

  it('says that the batch is not known', async () => {
    answer('GET', 404, { status: 404, reason: 'NOT_FOUND' });
    expect(await failure(ask())).toMatchObject({ kind: 'notFound' });
  });

  it('writes any batchId as one step of the path, and asks for none that would be more', async () => {
    const batchId = "a/b?c#d!e*f'(g)";
    const seen = answer('GET', 200, { ...report, batchId });
    await gateway.fetchBatchStatus({ batchId, correlationId: CORRELATION_ID });
    expect(seen.path).toContain(`${PATH}/a%2Fb%3Fc%23d%21e%2Af%27%28g%29?`);
    const error = await failure(gateway.fetchBatchStatus({ batchId: '..', correlationId: CORRELATION_ID }));
    expect(error.kind).toBe('refused');
  });
});

const removeCard = (changes = {}) =>
  gateway.deleteCard({
    srcDigitalCardId: 'dig-1',
    reason: 'accountClosed',
    correlationId: CORRELATION_ID,
    ...changes,
  });
const removeProfile = (changes = {}) =>
  gateway.deleteProfile({ srcConsumerId: 'src-1', correlationId: CORRELATION_ID, ...changes });

describe('deleteCard', () => {
  it('names the card in the path, and in the query who asks and why', async () => {
    const seen = answer('DELETE', 200, { srcCorrelationId: CORRELATION_ID, unknown: 1 });
    expect(await removeCard({ flowId: 'site-7' })).toBe('removed');
    expect(seen.path).toBe(
      `/src/api/cards/dig-1?srcClientId=5e0d4b84-189d-4c86-822d-590602f62062&serviceId=SRC%231&srcCorrelationId=${CORRELATION_ID}&reason=ACCOUNT_CLOSED&requestor=ISSUER`,
    );
    expect(seen.body).toBe('');
    expect(seen.headers).toMatchObject({ 'x-src-cx-flow-id': 'site-7' });
    expect(seen.headers).not.toHaveProperty('content-type');
  });

  it('writes any id as one step of the path, and asks for none that would be more', async () => {
    const seen = answer('DELETE', 200, { srcCorrelationId: CORRELATION_ID });
    await removeCard({ srcDigitalCardId: "a/b?c#d!e*f'(g)" });
    expect(seen.path).toContain('/cards/a%2Fb%3Fc%23d%21e%2Af%27%28g%29?');
    for (const srcDigitalCardId of ['..', '', 'x'.repeat(256), 'd 1', '\ud800']) {
      const error = await failure(removeCard({ srcDigitalCardId }));
      expect(error).toMatchObject({ kind: 'refused', operation: 'deleteCard' });
    }
  });
});

describe('deleteProfile', () => {
  it('names the consumer in the query', async () => {
    const seen = answer('DELETE', 200, { srcCorrelationId: CORRELATION_ID });
    expect(await removeProfile({ srcConsumerId: 'a&b=c', flowId: 'site-7' })).toBe('removed');
    expect(seen.path).toBe(
      `/src/api/profiles?srcClientId=5e0d4b84-189d-4c86-822d-590602f62062&serviceId=SRC%231&srcCorrelationId=${CORRELATION_ID}&srcConsumerId=a%26b%3Dc`,
    );
    expect(seen.headers).toMatchObject({ 'x-src-cx-flow-id': 'site-7' });
  });

  it('says so when the profile still has cards', async () => {
    answer('DELETE', 400, { status: 400, reason: 'INVALID_STATE', message: 'has cards' });
    expect(await failure(removeProfile())).toMatchObject({ kind: 'refused', reason: 'INVALID_STATE' });
  });
});

describe.each([
  ['deleteCard', removeCard],
  ['deleteProfile', removeProfile],
])('%s', (operation, remove) => {
  it('takes it for done when Mastercard has nothing of that id', async () => {
    answer('DELETE', 404, { status: 404, reason: 'NOT_FOUND', message: 'not there' });
    expect(await remove()).toBe('absent');
    expect(events).toMatchObject([{ operation, httpStatus: 404, kind: 'notFound' }]);
  });

  it.each([
    ['of the gateway', { Errors: { Error: [{ ReasonCode: 'RESOURCE_UNKNOWN' }] } }, 'configuration'],
    ['of an intermediary', '<html>Not Found</html>', 'unknown'],
  ])('does not take a 404 %s for it', async (_name, body, kind) => {
    answer('DELETE', 404, body);
    expect(await failure(remove())).toMatchObject({ operation, kind, httpStatus: 404 });
  });

  it.each([
    ['no body', ''],
    ['HTML', '<html></html>'],
    ['malformed JSON', '{"srcCorrelationId":"'],
    ['an error after all', '{"Errors":{"Error":[{"Recoverable":true}]}}'],
  ])('does not believe a success with %s', async (_name, body) => {
    answer('DELETE', 200, body);
    const error = await failure(remove());
    expect(error).toMatchObject({ operation, kind: 'unknown', httpStatus: 200 });
    expect(error.message).toContain("the answer is not the contract's JSON");
  });

  it('passes on how long Mastercard asks to wait', async () => {
    answer('DELETE', 429, '', { 'retry-after': '17' });
    expect(await failure(remove())).toMatchObject({ kind: 'notAccepted', retryAfterMs: 17_000 });
  });
});

describe('every call', () => {
  it('is reported with ids and figures, and nothing else', async () => {
    answer('POST', 202, { batchId: 'mc-1', externalBatchId: 'batch-1' }, { 'Correlation-Id': 'mc-corr-2' });
    await offer();
    answer('GET', 500, `oops ${PAN}`);
    await failure(ask());
    expect(events).toEqual([
      {
        operation: 'submitBatch',
        httpStatus: 202,
        correlationId: CORRELATION_ID,
        mastercardCorrelationId: 'mc-corr-2',
        durationMs: expect.any(Number) as number,
        kind: undefined,
      },
      {
        operation: 'fetchBatchStatus',
        httpStatus: 500,
        correlationId: CORRELATION_ID,
        mastercardCorrelationId: undefined,
        durationMs: expect.any(Number) as number,
        kind: 'unknown',
      },
    ]);
  });

  it('is made once, whatever comes of it', async () => {
    for (const status of [429, 500, 502, 503, 504]) {
      answer('POST', status, '', { 'retry-after': '0' });
      expect((await failure(offer())).httpStatus).toBe(status);
      mock.assertNoPendingInterceptors();
    }
  });

  it('does not follow a redirect with what it carries', async () => {
    answer('POST', 307, '', { location: `${ORIGIN}/elsewhere` });
    expect(await failure(offer())).toMatchObject({ kind: 'configuration', httpStatus: 307 });
  });

  it('leaves a dispatcher that it was given open, and fails as not sent on one that is closed', async () => {
    await gateway.close();
    answer('GET', 404, '');
    expect((await failure(ask())).kind).toBe('notFound');

    const own = createHttpGateway({ ...options, dispatcher: undefined });
    await own.close();
    const error = await failure(own.submitBatch(submission));
    expect(error.kind).toBe('notSent');
    expect(error.message).toContain(new errors.ClientDestroyedError().code);
  });
});

describe('an API module that fails', () => {
  const withApi = (api: EnrollmentApi) => createHttpGateway({ ...options, api });
  const boom = () => {
    throw new TypeError(PAN);
  };

  it('sends nothing where it makes no request', async () => {
    const broken = withApi({ ...batchEnroll, enroll: { ...batchEnroll.enroll, request: boom } });
    const error = await failure(broken.submitBatch(submission));
    expect(error).toMatchObject({ kind: 'notSent', problem: 'the API module makes no request' });
    expect(JSON.stringify([error.message, error])).not.toContain(PAN);
  });

  it.each<[string, Partial<EnrollmentApi['errors']>]>([
    ['throws', { kindOf: boom }],
    ['gives another word', { kindOf: () => 'lost' as never }],
    ['gives nothing', { kindOf: () => undefined as never }],
  ])('leaves it open what an error means where it %s', async (_, errors) => {
    answer('POST', 400, { reason: 'INVALID_ARGUMENT' });
    const broken = withApi({ ...batchEnroll, errors: { ...batchEnroll.errors, ...errors } });
    expect(await failure(broken.submitBatch(submission))).toMatchObject({ kind: 'unknown', httpStatus: 400 });
  });

  it.each<[string, Partial<EnrollmentApi['errors']>]>([
    ['throws', { read: boom }],
    ['gives another type', { read: () => ({ reason: 5, details: 'none' }) as never }],
  ])('decides by the HTTP status where it reads an error and %s', async (_, errors) => {
    answer('POST', 429, { reason: 'RESOURCE_EXHAUSTED' });
    const broken = withApi({ ...batchEnroll, errors: { ...batchEnroll.errors, ...errors } });
    expect(await failure(broken.submitBatch(submission))).toMatchObject({
      kind: 'notAccepted',
      httpStatus: 429,
    });
  });

  it('removes nothing by a promise', async () => {
    answer('DELETE', 200, {});
    const isDone = (() => Promise.resolve(false)) as never;
    const broken = withApi({ ...batchEnroll, removal: { ...batchEnroll.removal, isDone } });
    const removal = { srcDigitalCardId: 'd', reason: 'other', correlationId: CORRELATION_ID } as const;
    expect(await failure(broken.deleteCard(removal))).toMatchObject({ kind: 'unknown' });
  });
});
