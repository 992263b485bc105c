import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FailureKind, GatewayOperation } from '../../mastercard/api/failures.js';
import { kindOf } from './read-answers.js';

const KINDS: FailureKind[] = [
  'notSent',
  'notAccepted',
  'unknown',
  'duplicate',
  'refused',
  'configuration',
  'notFound',
];

function answer(httpStatus: number, body = '', operation: GatewayOperation = 'submitBatch'): FailureKind {
  return kindOf(httpStatus, body, operation);
}

function service(reason: string, details?: object[]): string {
  return JSON.stringify({ reason, message: 'text', errordetail: details ?? null });
}

function gateway(Recoverable: unknown): string {
  return JSON.stringify({ Errors: { Error: [{ Source: 'Gateway', ReasonCode: 'X', Recoverable }] } });
}

describe("the contract's error table", () => {
  it.each([
    ['400 INVALID_ARGUMENT', 400, service('INVALID_ARGUMENT'), 'refused'],
    ['400 INVALID_STATE', 400, service('INVALID_STATE'), 'refused'],
    [
      '400 INVALID_STATE about srcClientId',
      400,
      service('INVALID_STATE', [{ reason: 'INVALID_STATE', source: 'srcClientId' }]),
      'configuration',
    ],
    [
      '400 INVALID_ARGUMENT about serviceId',
      400,
      service('INVALID_ARGUMENT', [{ reason: 'INVALID_FORMAT', source: 'body.serviceId' }]),
      'configuration',
    ],
    ['the shape of the sibling API', 400, '{"code":400,"status":"ALREADY_EXISTS"}', 'duplicate'],
    ['401', 401, service('UNAUTHENTICATED'), 'configuration'],
    ['403', 403, service('PERMISSION_DENIED'), 'configuration'],
    ['404 on the enroll path', 404, service('NOT_FOUND'), 'configuration'],
    ['409', 409, '', 'duplicate'],
    ['409 ALREADY_EXISTS', 409, service('ALREADY_EXISTS'), 'duplicate'],
    ['ALREADY_EXISTS with another status', 400, service('ALREADY_EXISTS'), 'duplicate'],
    ['429', 429, '', 'notAccepted'],
    ['RESOURCE_EXHAUSTED with another status', 403, service('RESOURCE_EXHAUSTED'), 'notAccepted'],
    ['503', 503, '', 'notAccepted'],
    ['503 UNAVAILABLE', 503, service('UNAVAILABLE'), 'notAccepted'],
    ['a gateway error that is Recoverable, 500', 500, gateway(true), 'notAccepted'],
    ['a gateway error that is Recoverable, 502', 502, gateway(true), 'notAccepted'],
    ['a gateway error that is Recoverable, 400', 400, gateway('true'), 'notAccepted'],
    ['500', 500, service('INTERNAL'), 'unknown'],
    ['500 without a body', 500, '', 'unknown'],
    ['502', 502, '<html>Bad Gateway</html>', 'unknown'],
    ['504', 504, service('DEADLINE_EXCEEDED'), 'unknown'],
  ] as const)('takes %s of an offer as told', (_name, httpStatus, body, kind) => {
    expect(answer(httpStatus, body)).toBe(kind);
  });

  it('takes 404 on a status call as an unknown batch, whatever server says it', () => {
    expect(answer(404, service('NOT_FOUND'), 'fetchBatchStatus')).toBe('notFound');
    expect(answer(404, '<html></html>', 'fetchBatchStatus')).toBe('notFound');
    expect(answer(404, gateway(false), 'fetchBatchStatus')).toBe('notFound');
  });
});

describe.each(['deleteCard', 'deleteProfile'] as const)('the error table of %s', (operation) => {
  it.each([
    ['404 NOT_FOUND', 404, service('NOT_FOUND'), 'notFound'],
    ['404 with details only', 404, JSON.stringify({ details: [{ reason: 'NOT_FOUND' }] }), 'notFound'],
    ['404 of the gateway: the path is wrong', 404, gateway(false), 'configuration'],
    ['404 of the gateway that recovers', 404, gateway(true), 'notAccepted'],
    ['404 of an intermediary', 404, '<html></html>', 'unknown'],
    ['404 without a body', 404, '', 'unknown'],
    ['404 of a service that is unavailable', 404, service('UNAVAILABLE'), 'notAccepted'],
    ['400 INVALID_ARGUMENT', 400, service('INVALID_ARGUMENT'), 'refused'],
    ['400 INVALID_STATE', 400, service('INVALID_STATE'), 'refused'],
    ['401', 401, service('UNAUTHENTICATED'), 'configuration'],
    ['403', 403, service('PERMISSION_DENIED'), 'configuration'],
    ['409', 409, '', 'refused'],
    ['409 ALREADY_EXISTS', 409, service('ALREADY_EXISTS'), 'refused'],
    ['409 ABORTED', 409, service('ABORTED'), 'unknown'],
    ['429', 429, '', 'notAccepted'],
    ['503 UNAVAILABLE', 503, service('UNAVAILABLE'), 'notAccepted'],
    ['500', 500, service('INTERNAL'), 'unknown'],
    ['502', 502, '<html>Bad Gateway</html>', 'unknown'],
    ['504', 504, '', 'unknown'],
  ] as const)('takes %s as told', (_name, httpStatus, body, kind) => {
    expect(answer(httpStatus, body, operation)).toBe(kind);
  });
});

describe('the kind of a failure, where status and body disagree or neither is in the table', () => {
  it.each([
    ['a gateway timeout that the gateway calls Recoverable', 504, gateway(true), 'unknown'],
    ['a bad gateway that the service calls UNAVAILABLE', 502, service('UNAVAILABLE'), 'unknown'],
    ['a service that is unavailable half-way', 503, service('INTERNAL'), 'unknown'],
    ['a conflict of concurrent calls', 409, service('ABORTED'), 'unknown'],
    ['a gateway error 4xx that does not recover', 400, gateway(false), 'configuration'],
    ['a gateway error 4xx that says nothing of it', 400, gateway(undefined), 'configuration'],
    ['a gateway error 401 that does not recover', 401, gateway(false), 'configuration'],
    ['a gateway error 500 that does not recover', 500, gateway(false), 'unknown'],
    ['a moved address', 302, '', 'configuration'],
    ['see other, as after a request that was acted on', 303, '', 'unknown'],
    ['a method that is not allowed', 405, '', 'configuration'],
    ['a request timeout, which intermediaries send too', 408, '', 'unknown'],
    ['a body that is too large, also for a gateway', 413, gateway(false), 'refused'],
    ['a media type that is not supported', 415, '', 'configuration'],
    ['an unprocessable body', 422, '', 'refused'],
    ['too early', 425, '', 'notAccepted'],
    ['another 4xx', 418, '', 'refused'],
    ['not implemented', 501, '', 'configuration'],
    ['a status that nobody knows', 599, '', 'unknown'],
    ['a reason that nobody knows', 400, service('NEW_REASON'), 'refused'],
    ['a reason in an HTML page', 400, '<p>ALREADY_EXISTS</p>', 'refused'],
  ] as const)('takes %s as what cannot enroll twice', (_name, httpStatus, body, kind) => {
    expect(answer(httpStatus, body)).toBe(kind);
  });

  it('sees a duplicate in a detail about the externalBatchId, and in no other', () => {
    const detail = (source: string) =>
      service('INVALID_ARGUMENT', [
        { reason: 'CANNOT_BE_NULL', source: 'x' },
        { reason: 'ALREADY_EXISTS', source },
      ]);
    expect(answer(400, detail('externalBatchId'))).toBe('duplicate');
    expect(answer(400, detail('body.externalBatchId'))).toBe('duplicate');
    expect(answer(400, detail('cards[0].externalCardId'))).toBe('refused');
  });

  it('never calls the answer to a status call a duplicate', () => {
    expect(answer(409, service('ALREADY_EXISTS'), 'fetchBatchStatus')).toBe('refused');
    expect(answer(409, '', 'fetchBatchStatus')).toBe('refused');
  });

  it('does not take the reason code of a gateway for a reason of the service', () => {
    const body = JSON.stringify({
      Errors: [{ Error: { ReasonCode: 'ALREADY_EXISTS', Recoverable: false } }],
    });
    expect(answer(400, body)).toBe('configuration');
  });

  it('believes Recoverable only when every error of the answer is', () => {
    const errors = [{ Recoverable: true }, { Recoverable: false }];
    expect(answer(500, JSON.stringify({ Errors: { Error: errors } }))).toBe('unknown');
  });
});

describe('the kind of a failure, for anything that can arrive', () => {
  const body = fc.oneof(fc.string(), fc.json(), fc.constantFrom(gateway(true), service('INTERNAL')));

  it('gives a kind for any status and any body', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 300, max: 999 }),
        body,
        fc.constantFrom<GatewayOperation>('submitBatch', 'fetchBatchStatus', 'deleteCard', 'deleteProfile'),
        (httpStatus, text, operation) => {
          expect(KINDS).toContain(answer(httpStatus, text, operation));
        },
      ),
    );
  });

  it('never says of a gateway timeout that the batch was not taken', () => {
    fc.assert(
      fc.property(body, (text) => {
        expect(answer(504, text)).toBe('unknown');
      }),
    );
  });
});
