import assert from 'node:assert/strict';
import fc from 'fast-check';
import { batchIdProblem } from '../../enrollment/acceptance.js';
import { bulkBatchOf, bulkIdProblem } from '../../enrollment/bulk.js';
import { parsePolicy, PolicyError, type PolicyInput } from '../../enrollment/policy-schema.js';
import { damaged, noise } from '../support/fuzz/bytes.js';
import { fuzz } from '../support/fuzz/fuzz.js';
import { estranged, valueOf } from '../support/fuzz/json.js';
import { expectNoSecret, SECRET_TEXTS, SECRETS, shownBy } from '../support/fuzz/secrets.js';

const policy = {
  onCancel: 'leave',
  onPartialFailure: 'rollback',
  polling: { initial: '30s', maximum: '15m', jitter: 0.1, deadline: '7d' },
  submission: { initial: 1_000, coefficient: 2 },
  retryFailedRecords: { maxRounds: 2, delay: '1h' },
};

fuzz(
  'a policy is taken, or refused with the places of what is wrong',
  estranged(fc.constant(policy)),
  (text) => {
    try {
      parsePolicy(valueOf(text) as PolicyInput);
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      expectNoSecret(shownBy(error));
    }
  },
);

const ids = fc
  .oneof(
    damaged(
      fc
        .constantFrom('2026-11-debit', 'job-000001', 'job~2', ...SECRET_TEXTS)
        .map((text) => Buffer.from(text)),
    ),
    noise,
  )
  .map((bytes) => bytes.toString());

fuzz('an id of a batch or a job is taken, or refused without being repeated', ids, (id) => {
  const problems = [batchIdProblem(id), bulkIdProblem(id)];
  expectNoSecret(shownBy(problems));
  if (problems[0] === undefined) assert(/^[\w.:-]{1,64}$/.test(id) && !id.includes(SECRETS.pan));
  const batch = bulkBatchOf(id);
  assert(batch === undefined || (batch.n > 0 && id.startsWith(batch.bulkId)));
});
