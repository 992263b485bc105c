import assert from 'node:assert/strict';
import fc from 'fast-check';
import { afterAll, beforeAll } from 'vitest';
import type { GatewayOperation } from '../../mastercard/api/failures.js';
import { GatewayFailure } from '../../mastercard/errors.js';
import type { BatchReport, EnrollmentGateway } from '../../mastercard/gateway.js';
import { createHttpGateway } from '../../mastercard/http-gateway.js';
import { encryptEnrollmentData, type CompactJwe } from '../../mastercard/jwe.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import type { CallEvent } from '../../mastercard/signed-call.js';
import { damaged, noise } from '../support/fuzz/bytes.js';
import { fuzz } from '../support/fuzz/fuzz.js';
import { estranged } from '../support/fuzz/json.js';
import { expectNoSecret, SECRET_TEXTS, SECRETS, shownBy } from '../support/fuzz/secrets.js';
import { testRecord } from '../support/records.js';
import { startAnsweringServer, type AnsweringServer } from './answering-server.js';
import { rsaKeyPair } from './key-files.js';

const correlationId = '6f0a1c1e-8d1b-4a5e-9a43-1d7a4d0f4a11';
const [batchId, externalBatchId] = ['mc-1', 'batch-1'];

let server: AnsweringServer;
let gateway: EnrollmentGateway;
let events: CallEvent[];
let enrollmentData: CompactJwe;
beforeAll(async () => {
  const recipient = { kid: 'k', key: rsaKeyPair().publicKey };
  enrollmentData = await encryptEnrollmentData({ enrollments: [testRecord(1)] }, recipient, 'A128GCM');
  server = await startAnsweringServer();
  gateway = createHttpGateway({
    api: batchEnroll,
    baseUrl: `${server.origin}/src/api`,
    srcClientId: '5e0d4b84-189d-4c86-822d-590602f62062',
    serviceId: 'SRC',
    consumerKey: 'client!key',
    // Small, since each request is signed.
    signingKey: rsaKeyPair(512).privateKey,
    onCall: (event) => events.push(event),
  });
});
afterAll(async () => {
  await gateway.close();
  server.close();
});

const CALLS: Record<GatewayOperation, () => Promise<unknown>> = {
  submitBatch: () => gateway.submitBatch({ externalBatchId, enrollmentData, correlationId }),
  fetchBatchStatus: () => gateway.fetchBatchStatus({ batchId, correlationId, flowId: 'site-1' }),
  deleteCard: () => gateway.deleteCard({ srcDigitalCardId: 'card', reason: 'other', correlationId }),
  deleteProfile: () => gateway.deleteProfile({ srcConsumerId: 'consumer', correlationId }),
};

const SERVICE_ERROR = {
  status: 400,
  reason: 'INVALID_ARGUMENT',
  message: `no card ${SECRETS.pan} of ${SECRETS.email}`,
  errordetail: [
    {
      reason: 'INVALID_VALUE',
      sourceType: 'BODY',
      source: 'consumer.mobileNumber',
      message: `is ${SECRETS.phone}`,
    },
    { reason: 'CANNOT_BE_NULL', sourceType: 'BODY', source: 'srcClientId', message: null },
  ],
};
const GATEWAY_ERROR = {
  Source: 'Gateway',
  ReasonCode: 'DECLINED',
  Description: `declined ${SECRETS.longPan}`,
  Recoverable: true,
  Details: null,
};

const SUCCESS: Record<GatewayOperation, object> = {
  submitBatch: { batchId, externalBatchId, srcCorrelationId: correlationId },
  fetchBatchStatus: {
    batchId,
    externalBatchId,
    batchStatus: 'COMPLETED_WITH_ERRORS',
    records: [
      {
        externalConsumerId: 'c1',
        externalCardId: 'k1',
        status: 'SUCCESS',
        srcConsumerId: 'consumer',
        srcDigitalCardId: 'card',
      },
      { externalConsumerId: 'c2', externalCardId: 'k2', status: 'FAILED', error: SERVICE_ERROR },
    ],
  },
  deleteCard: { srcCorrelationId: correlationId },
  deleteProfile: { srcCorrelationId: correlationId },
};
const ERRORS = [
  SERVICE_ERROR,
  { status: 409, reason: 'ALREADY_EXISTS', batchId, externalBatchId, message: null, errordetail: null },
  { Errors: { Error: [GATEWAY_ERROR] } },
  { Errors: [{ Error: GATEWAY_ERROR }] },
];

const header = fc.tuple(
  fc.constantFrom(
    ...[
      'Retry-After',
      'X-Src-Cx-Flow-Id',
      'Correlation-Id',
      'X-MC-Correlation-ID',
      'Content-Type',
      'Location',
    ],
    ...[
      'Content-Encoding',
      'Set-Cookie',
      'Connection',
      'Date',
      '__proto__',
      'constructor',
      'Transfer-Encoding',
    ],
  ),
  fc.constantFrom(
    ...[...SECRET_TEXTS, '', '0', '-1', '1e9', '99999999999999999999', '3', 'Wed, 21 Oct 2026 07:28:00 GMT'],
    ...[
      'Foo, bar GMT',
      'application/json',
      'text/html',
      'gzip',
      'chunked',
      'close',
      'upgrade',
      'site-7',
      '\u00e9',
    ],
  ),
);

interface Message {
  operation: GatewayOperation;
  /** Whether it says that the operation is done, as the contract has it. */
  done: boolean;
  bytes: Buffer;
}

const statuses = fc.oneof(
  fc.constantFrom(200, 202, 400, 401, 404, 409, 429, 500, 502, 503, 504),
  fc.constantFrom(
    0,
    99,
    100,
    101,
    103,
    199,
    204,
    205,
    206,
    299,
    300,
    301,
    303,
    304,
    308,
    407,
    418,
    599,
    600,
    999,
  ),
);

const messages: fc.Arbitrary<Message> = fc
  .constantFrom(...(Object.keys(CALLS) as GatewayOperation[]))
  .chain((operation) => {
    const success = JSON.stringify(SUCCESS[operation]);
    return fc
      .record({
        status: statuses,
        headers: fc.oneof(
          { weight: 1, arbitrary: fc.constant<[string, string][]>([]) },
          { weight: 2, arbitrary: fc.array(header, { maxLength: 4 }) },
        ),
        body: fc.oneof(
          { weight: 2, arbitrary: fc.constant(success) },
          { weight: 4, arbitrary: estranged(fc.constant(SUCCESS[operation])) },
          { weight: 6, arbitrary: estranged(fc.constantFrom(...ERRORS)) },
          { weight: 1, arbitrary: fc.constantFrom('', 'null', '<html>not here</html>', ...SECRET_TEXTS) },
        ),
        framing: fc.constantFrom('length', 'length', 'chunked', 'close', 'tooLong', 'tooShort', 'twice'),
      })
      .map(({ status, headers, body, framing }) => ({
        operation,
        done:
          body === success &&
          [200, 202, 299].includes(status) &&
          headers.length === 0 &&
          ['length', 'chunked', 'close'].includes(framing),
        bytes: bytesOf(status, headers, Buffer.from(body), framing),
      }));
  });

function bytesOf(status: number, headers: string[][], body: Buffer, framing: string): Buffer {
  const length = { length: 0, tooLong: 7, tooShort: -7, twice: 0 }[framing];
  const lines = [
    `HTTP/1.1 ${String(status).padStart(3, '0')} ${SECRETS.name}`,
    ...headers.map(([name, text]) => `${name}: ${text}`),
    ...(length === undefined ? [] : [`Content-Length: ${Math.max(0, body.length + length)}`]),
    ...(framing === 'chunked' ? ['Transfer-Encoding: chunked'] : []),
  ];
  const chunked = [`${body.length.toString(16)}\r\n`, body, body.length === 0 ? '\r\n' : '\r\n0\r\n\r\n'];
  const head = `${lines.join('\r\n')}\r\n\r\n`;
  const whole = Buffer.concat(
    [head, ...(framing === 'chunked' ? chunked : [body])].map((part) => Buffer.from(part)),
  );
  return framing === 'twice' ? Buffer.concat([whole, whole]) : whole;
}

const answers = fc.oneof(
  { weight: 8, arbitrary: messages },
  {
    weight: 4,
    arbitrary: messages.chain((message) =>
      damaged(fc.constant(message.bytes), 2).map((bytes) => ({ ...message, bytes, done: false })),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({
        operation: fc.constantFrom<GatewayOperation>('submitBatch', 'fetchBatchStatus'),
        bytes: noise,
      })
      .map((one) => ({ ...one, done: false })),
  },
);

const inputs = fc.record({ answer: answers, firstPiece: fc.oneof(fc.constant(0), fc.nat(500)) });

/** Names are no pattern: what Mastercard writes about a record in its own words may hold one. */
const PATTERNS = [SECRETS.pan, SECRETS.longPan, SECRETS.email, SECRETS.phone];

function judgeFailure(error: unknown, reached: boolean): void {
  if (!(error instanceof GatewayFailure)) throw error;
  const { message, stack, cause, details, ...facts } = error;
  const words = details.map(({ reason, source }) => [reason, source]);
  // The id that Mastercard gave a batch is a fact that everything else hangs on.
  expectNoSecret(shownBy([message, stack, cause, words, { ...facts, batchId: undefined }]));
  expectNoSecret(shownBy(details), PATTERNS);
  const { code, kind, problem, retryAfterMs = 0 } = error;
  assert.equal(code, 'GATEWAY_FAILURE');
  assert.notEqual(problem, 'TimeoutError');
  assert(retryAfterMs >= 0 && retryAfterMs <= 24 * 3_600_000);
  if (reached) assert.notEqual(kind, 'notSent');
}

fuzz(
  'whatever answers, a call has its result or a GatewayFailure',
  inputs,
  async ({ answer, firstPiece }) => {
    const { operation, done, bytes } = answer;
    const before = server.requests;
    events = [];
    server.answer = { pieces: [bytes.subarray(0, firstPiece), bytes.subarray(firstPiece)] };
    const outcome = await CALLS[operation]().then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    );
    assert(server.requests - before <= 1, 'it asked twice');
    assert.equal(events.length, 1);
    expectNoSecret(shownBy(events));
    if ('error' in outcome) {
      if (done) throw outcome.error;
      judgeFailure(outcome.error, server.requests > before);
    } else if (operation === 'fetchBatchStatus') {
      const report = outcome.result as BatchReport;
      assert.equal(report.batchId, batchId);
      const said = report.cards.map(({ result, reason, details, rawStatus }) => [
        [result, reason, rawStatus],
        details,
      ]);
      expectNoSecret(shownBy(said), PATTERNS);
    }
  },
);
