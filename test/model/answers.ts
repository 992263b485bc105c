import fc from 'fast-check';
import type { FailureKind } from '../../mastercard/api/failures.js';
import type { Fault, Operation } from '../../simulator/index.js';

/** One way in which a call can fail, and what the contract's error table lets c2p conclude from it. */
export interface Answer {
  name: string;
  /** What the simulator has to do; `closedPort`: nobody listens, so nothing is sent. */
  how: Fault | 'closedPort';
  kind: FailureKind;
  /** Whether the same call may succeed another time. */
  passes: boolean;
  [fc.toStringMethod](): string;
}

function answer(name: string, kind: FailureKind, how: Answer['how']): Answer {
  const passes = ['notSent', 'notAccepted', 'unknown'].includes(kind);
  return { name, kind, how, passes, [fc.toStringMethod]: () => name };
}

/** What every call can meet: not accepted, or unknown whether it was carried out. */
const PASSING: Answer[] = [
  answer('429', 'notAccepted', { kind: 'status', status: 429 }),
  answer('429 with Retry-After', 'notAccepted', { kind: 'status', status: 429, retryAfter: 90 }),
  answer('503', 'notAccepted', { kind: 'status', status: 503 }),
  answer('503 recoverable', 'notAccepted', {
    kind: 'status',
    status: 503,
    shape: 'gatewayA',
    recoverable: true,
  }),
  answer('connection refused', 'notSent', 'closedPort'),
  answer('500', 'unknown', { kind: 'status', status: 500 }),
  answer('500, carried out', 'unknown', { kind: 'statusAfter', status: 500 }),
  answer('502', 'unknown', { kind: 'html', status: 502 }),
  answer('502, carried out', 'unknown', { kind: 'statusAfter', status: 502 }),
  answer('504', 'unknown', { kind: 'status', status: 504, shape: 'gatewayB' }),
  answer('504, carried out', 'unknown', { kind: 'statusAfter', status: 504 }),
  answer('connection lost', 'unknown', { kind: 'dropBefore' }),
  answer('connection lost, carried out', 'unknown', { kind: 'dropAfter' }),
  answer('half a JSON document', 'unknown', { kind: 'malformedJson', accepted: false }),
  answer('half a JSON document, carried out', 'unknown', { kind: 'malformedJson', accepted: true }),
  answer("a proxy's page", 'unknown', { kind: 'html', status: 200 }),
];

const REFUSALS: Answer[] = [
  answer('400 INVALID_ARGUMENT', 'refused', { kind: 'status', status: 400 }),
  answer('401', 'configuration', { kind: 'status', status: 401, shape: 'gatewayA' }),
  answer('403', 'configuration', { kind: 'status', status: 403 }),
];

/** Every row of the error table, for each call that can meet it. */
export const ANSWERS: Record<Operation, Answer[]> = {
  enroll: [
    ...PASSING,
    ...REFUSALS,
    answer('503 with Retry-After of a day', 'notAccepted', {
      kind: 'status',
      status: 503,
      retryAfter: 86_400,
    }),
    answer('400 INVALID_STATE', 'refused', { kind: 'status', status: 400, reason: 'INVALID_STATE' }),
    answer('409', 'duplicate', { kind: 'status', status: 409 }),
    answer('404', 'configuration', { kind: 'status', status: 404 }),
  ],
  status: [...PASSING, ...REFUSALS, answer('404', 'notFound', { kind: 'status', status: 404 })],
  deleteCard: [...PASSING, ...REFUSALS],
  deleteProfile: [...PASSING, ...REFUSALS],
};
