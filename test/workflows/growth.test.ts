import { describe } from 'vitest';
import { DEFAULT_BULK_LIMITS, type SourceLocation } from '../../enrollment/bulk.js';
import { DEFAULT_POLICY } from '../../enrollment/policy.js';
import { begun } from '../../workflows/bulk/begin.js';
import { jobProgressOf } from '../../workflows/bulk/progress.js';
import { linear, repeated } from '../support/growth.js';

const SOURCE_URL = 'https://bank.example/portfolio.csv';
/** What a job shows of itself as soon as it is started: the name of its source too. */
const shown = (source: SourceLocation) =>
  jobProgressOf(
    begun(
      {
        program: 'demo',
        bulkId: 'b',
        source,
        maxCardsPerBatch: 1,
        limits: DEFAULT_BULK_LIMITS,
        onCancel: 'finish',
        policy: DEFAULT_POLICY,
      },
      0,
    ),
    0,
  );

describe('showing a bulk job takes time in proportion to', () => {
  linear('a long path of its source', (size) => ({ path: repeated('a/', size) }), shown, 20_000);
  linear(
    'a long query of the URL of its source',
    (size) => ({ url: `${SOURCE_URL}${repeated('?', size)}` }),
    shown,
    6_000,
  );
  linear(
    'question marks before a line break in the URL of its source',
    (size) => ({ url: `${SOURCE_URL}${repeated('?', size)}\nx` }),
    shown,
    6_000,
  );
});
