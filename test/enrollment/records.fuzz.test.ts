import assert from 'node:assert/strict';
import fc from 'fast-check';
import { acceptBatch } from '../../enrollment/acceptance.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { validateRecords } from '../../enrollment/validation.js';
import { fuzz } from '../support/fuzz/fuzz.js';
import { estranged, valueOf } from '../support/fuzz/json.js';
import { expectNoSecret, SECRETS, shownBy } from '../support/fuzz/secrets.js';
import { testRecord } from '../support/records.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

const records = estranged(fc.constantFrom([testRecord(1)], [testRecord(1, 2), testRecord(2)]), 5);

/** Names are no pattern: an id of the issuer's may be one. */
const PATTERNS = [SECRETS.pan, SECRETS.longPan, SECRETS.email, SECRETS.phone];

fuzz('records are accepted and each card valid or INVALID, or the batch is refused', records, (text) => {
  const given = valueOf(text) as EnrollmentRecord[];
  const { problem } = acceptBatch({ externalBatchId: 'b-1', records: given }, { maxCardsPerBatch: 250 });
  if (problem !== undefined) return expectNoSecret(shownBy(problem));
  const found = validateRecords(given, batchEnroll.records, new Date('2026-11-24'));
  assert.equal(found.validCards + found.outcomes.length, found.cards);
  assert.equal(found.order.length, found.cards);
  expectNoSecret(shownBy(found.outcomes), PATTERNS);
  assert(!('polluted' in {}));
});
