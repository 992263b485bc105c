import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EXTERNAL_ID_PATTERN } from '../../../enrollment/identifiers.js';
import { follows } from '../../../enrollment/record-rules.js';
import { ASSUMPTION_NAMES } from '../../../mastercard/api/assumptions.js';
import { batchEnroll } from '../../../mastercard/api/batch-enroll.js';
import { batchIdProblem } from '../../../mastercard/api/batch-id.js';
import { testRecord } from '../../support/records.js';

const { batch, enroll, removal } = batchEnroll;
const caller = { srcClientId: 'client', serviceId: 'SRC', correlationId: 'call-1' };

describe('the ids of a batch', () => {
  test('are its own in round 1, and different ones in every further round', () => {
    expect(batch.roundId('b-1', 1)).toBe('b-1');
    expect(batch.roundId('b-1', 2)).toBe('b-1~2');
    fc.assert(
      fc.property(
        fc.stringMatching(EXTERNAL_ID_PATTERN),
        fc.stringMatching(EXTERNAL_ID_PATTERN),
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 1000 }),
        (a, b, m, n) => {
          expect(batch.roundId(a, m) === batch.roundId(b, n)).toBe(a === b && m === n);
        },
      ),
    );
  });

  test('have 64 characters at most in the last round that the policy allows', () => {
    expect(batchIdProblem(batchEnroll, 'b'.repeat(64), 1)).toBeUndefined();
    expect(batchIdProblem(batchEnroll, 'b'.repeat(62), 9)).toBeUndefined();
    expect(batchIdProblem(batchEnroll, 'b'.repeat(63), 2)).toBe(
      'externalBatchId must have at most 62 characters, since it is longer in round 2 (retryFailedRecords.maxRounds of the policy)',
    );
    expect(batchIdProblem(batchEnroll, 'b'.repeat(62), 10)).toContain('at most 61 characters');
    expect(batchIdProblem(batchEnroll, 'b/1', 1)).toBe(
      'externalBatchId must be 1 to 64 characters of A-Z a-z 0-9 . _ : -',
    );
  });

  test('of Mastercard are never a path of their own', () => {
    for (const id of ['.', '..', '', 'a b', 'a\n', 'é', 'x'.repeat(256)])
      expect(follows(id, batch.batchId)).toBe(false);
    for (const id of ['...', 'a/b', '5', 'x'.repeat(255)]) expect(follows(id, batch.batchId)).toBe(true);
  });
});

test('the plaintext is what the contract says, in its order, and nothing that a record has besides', () => {
  const { enrollments } = JSON.parse(
    JSON.stringify(batchEnroll.enrollmentData.plaintext([{ ...testRecord(1), more: 1 } as never])),
  ) as { enrollments: unknown[] };
  expect(enrollments).toEqual([JSON.parse(JSON.stringify(testRecord(1)))]);
});

test('a batch is submitted to /cards/batch, whose body is srcClientId, serviceId, srcCorrelationId, externalBatchId and enrollmentData', () => {
  expect(enroll.request(caller, { externalBatchId: 'b-1', enrollmentData: 'a.b.c.d.e' })).toEqual({
    method: 'POST',
    path: '/cards/batch',
    body: {
      srcClientId: 'client',
      serviceId: 'SRC',
      srcCorrelationId: 'call-1',
      externalBatchId: 'b-1',
      enrollmentData: 'a.b.c.d.e',
    },
  });
});

test.each([
  ['other', 'OTHER'],
  ['accountClosed', 'ACCOUNT_CLOSED'],
  ['suspectedFraud', 'SUSPECTED_FRAUD'],
  ['default', 'DEFAULT'],
] as const)('the removal reason %s is sent as %s', (reason, sent) => {
  expect(removal.card(caller, { srcDigitalCardId: 'd/1', reason })).toMatchObject({
    path: '/cards/d%2F1',
    query: { reason: sent, requestor: 'ISSUER' },
  });
});

test('each assumption says how sure it is, and names a member of the API', () => {
  expect(Object.keys(batchEnroll.assumptions)).toEqual([...ASSUMPTION_NAMES]);
  for (const { sure, says, place } of Object.values(batchEnroll.assumptions)) {
    expect(['S', 'N', 'P']).toContain(sure);
    expect(says.length).toBeGreaterThan(10);
    const [section, member] = place.split('.') as [keyof typeof batchEnroll, string];
    expect(batchEnroll[section]).toHaveProperty(member);
  }
});
