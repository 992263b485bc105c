import assert from 'node:assert/strict';
import fc from 'fast-check';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import { asCompactJwe, JweError } from '../../mastercard/jwe.js';
import { readReceipt, readReport, readWith } from '../../mastercard/reading.js';
import { parseRetryAfter } from '../../mastercard/retry-after.js';
import { damaged, noise } from '../support/fuzz/bytes.js';
import { fuzz } from '../support/fuzz/fuzz.js';
import { estranged } from '../support/fuzz/json.js';
import { readErrorBody } from './read-answers.js';
import { expectNoSecret, SECRET_TEXTS, SECRETS, shownBy } from '../support/fuzz/secrets.js';

/** Names are no pattern: what Mastercard writes about a record in its own words may hold one. */
const PATTERNS = [SECRETS.pan, SECRETS.longPan, SECRETS.email, SECRETS.phone];

const error = {
  status: 400,
  reason: 'INVALID_ARGUMENT',
  message: `no card ${SECRETS.pan} of ${SECRETS.email}`,
  errordetail: [{ reason: 'INVALID_VALUE', source: 'consumer.mobileNumber', message: SECRETS.phone }],
};
const ids = { externalConsumerId: 'c1', externalCardId: 'k1' };
const answer = {
  batchId: 'mc-1',
  externalBatchId: 'batch-1',
  batchStatus: 'COMPLETED_WITH_ERRORS',
  records: [
    { ...ids, status: 'SUCCESS', srcConsumerId: 'consumer', srcDigitalCardId: 'card' },
    { ...ids, status: 'FAILED', error },
  ],
};
const gateway = {
  Errors: { Error: [{ ReasonCode: 'DECLINED', Description: SECRETS.longPan, Recoverable: true }] },
};

fuzz(
  'the body of an error is read, or what is no such body left out',
  estranged(fc.constantFrom<unknown>(error, gateway)),
  (text) => {
    const { reason, details } = readErrorBody(text);
    expectNoSecret(shownBy([reason, details]), PATTERNS);
  },
);

fuzz('the body of an answer is read, or nothing', estranged(fc.constant(answer)), (text) => {
  readReceipt(batchEnroll, text);
  readWith(text, batchEnroll.removal.isDone);
  const said = readReport(batchEnroll, text)?.cards ?? [];
  expectNoSecret(
    shownBy(said.map(({ result, reason, details, rawStatus }) => [result, reason, details, rawStatus])),
    PATTERNS,
  );
});

const texts = fc
  .oneof(
    damaged(
      fc
        .constantFrom('3', 'Wed, 21 Oct 2026 07:28:00 GMT', 'a.b.c.d.e', ...SECRET_TEXTS)
        .map((text) => Buffer.from(text)),
    ),
    noise,
  )
  .map((bytes) => bytes.toString('latin1'));

fuzz('a Retry-After is a time within a day, or none', texts, (text) => {
  const after = parseRetryAfter(text);
  assert(after === undefined || (after >= 0 && after <= 24 * 3_600_000));
});

fuzz('a text is a JWE, or is refused without being repeated', texts, (text) => {
  try {
    assert.equal(asCompactJwe(text), text);
  } catch (refusal) {
    if (!(refusal instanceof JweError)) throw refusal;
    expectNoSecret(shownBy(refusal));
  }
});
