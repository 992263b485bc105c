import { describe, expect, test } from 'vitest';
import { CLOSED_STATUSES, isClosed, OPEN_STATUSES } from '../../enrollment/batch.js';
import { Blob, cardholderData } from '../../enrollment/blobs.js';
import { DEFAULT_POLICY, resolvePolicy } from '../../enrollment/policy.js';
import { jweOf } from '../support/records.js';

describe('resolvePolicy', () => {
  test('is the defaults when nothing differs', () => {
    expect(resolvePolicy()).toEqual(DEFAULT_POLICY);
    expect(resolvePolicy(undefined, {})).toEqual(DEFAULT_POLICY);
  });

  test('lets the batch win over the program and the program over the defaults, field by field', () => {
    const program = { onInvalidRecords: 'rejectBatch', polling: { initial: 1_000, coefficient: 3 } } as const;
    const batch = { polling: { initial: 50 }, submission: { deadline: 7 } };
    const policy = resolvePolicy(program, batch);
    expect(policy.onInvalidRecords).toBe('rejectBatch');
    expect(policy.polling).toEqual({ ...DEFAULT_POLICY.polling, initial: 50, coefficient: 3 });
    expect(policy.submission).toEqual({ ...DEFAULT_POLICY.submission, deadline: 7 });
  });

  test('takes an undefined field for one that does not differ', () => {
    const policy = resolvePolicy({ onInvalidRecords: undefined, polling: { initial: undefined, jitter: 0 } });
    expect(policy).toEqual({ ...DEFAULT_POLICY, polling: { ...DEFAULT_POLICY.polling, jitter: 0 } });
  });

  test('never changes the defaults', () => {
    const before = structuredClone(DEFAULT_POLICY);
    const policy = resolvePolicy({ polling: { initial: 1 } });
    policy.submission.maximum = 1;
    expect(DEFAULT_POLICY).toEqual(before);
  });
});

describe('a batch', () => {
  test('is closed in exactly the closed statuses', () => {
    expect(CLOSED_STATUSES.every(isClosed)).toBe(true);
    expect(OPEN_STATUSES.some(isClosed)).toBe(false);
  });

  test('keeps nothing with cardholder data once it is closed, and its marks of what was offered', () => {
    const erased = [Blob.validated(1), jweOf(1), Blob.cards, Blob.records('1')];
    const kept = [Blob.outcomes, Blob.closed, Blob.bulk, Blob.rejects(1), Blob.offered(1)];
    expect(cardholderData([...kept, ...erased])).toEqual(erased);
  });

  test('loses its records last: their names say whose the rest is', () => {
    expect(cardholderData([Blob.records('1'), Blob.cards])).toEqual([Blob.cards, Blob.records('1')]);
  });
});
