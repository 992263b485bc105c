import { describe, vi } from 'vitest';
import { DEFAULT_BULK_LIMITS, type SourceLocation } from '../../enrollment/bulk.js';
import { BulkState } from '../../workflows/bulk-state.js';
import { knownFault, linear, repeated } from '../support/growth.js';

vi.mock('@temporalio/workflow', async (original) => ({
  ...(await original<object>()),
  setCurrentDetails: () => undefined,
  workflowInfo: () => ({ startTime: new Date(0) }),
}));

const SOURCE_URL = 'https://bank.example/portfolio.csv';
/** What a job shows of itself as soon as it is started: the name of its source too. */
const shown = (source: SourceLocation) =>
  new BulkState({
    program: 'demo',
    bulkId: 'b',
    source,
    limits: DEFAULT_BULK_LIMITS,
    onCancel: 'finish',
  } as never);

describe('showing a bulk job takes time in proportion to', () => {
  linear('a long path of its source', (size) => ({ path: repeated('a/', size) }), shown, 20_000);
  linear(
    'a long query of the URL of its source',
    (size) => ({ url: `${SOURCE_URL}${repeated('?', size)}` }),
    shown,
    6_000,
  );
  knownFault(
    'from each question mark of a URL the search for its query goes to the line break, which it does not pass; a search by indexOf ends it',
  )(
    'question marks before a line break in the URL of its source',
    (size) => ({ url: `${SOURCE_URL}${repeated('?', size)}\nx` }),
    shown,
    700,
  );
});
