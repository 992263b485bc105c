import type { BulkStatus } from '../enrollment/bulk.js';
import type { PolicyInput } from '../enrollment/policy-schema.js';
import type { Simulator } from '../simulator/index.js';
import type { BatchProgress } from '../workflows/batch/messages.js';

/** A page of the Web UI that operators must understand by itself. */
export interface Picture {
  seen: SeenHistory | SeenDetails;
  file: string;
}

/** A batch in a state that is worth a picture. */
export interface Scene extends Picture {
  externalBatchId: string;
  policy?: PolicyInput;
  /** How the simulator is set before the batch is enrolled. */
  simulate?: (simulator: Simulator) => void;
  /** Whether the batch is where it is to be photographed. */
  reached: (progress: BatchProgress) => boolean;
}

/** What must be read in the history. */
export interface SeenHistory {
  tab: 'history';
  texts: (string | RegExp)[];
}

/** What must be read in the current details: their heading, their table, and more. */
export interface SeenDetails {
  tab: 'details';
  status: BatchProgress['status'] | BulkStatus;
  counts: Record<string, number>;
  texts: (string | RegExp)[];
}

const PROCESSING_MS = 3_000;
const FOR_LONG_MS = 24 * 3_600_000;

/** The counts of the sample, as far as they are not zero. */
function sample(counts: Record<string, number>): Record<string, number> {
  return {
    cards: 30,
    enrolled: 0,
    failed: 0,
    invalid: 4,
    'rolled back': 0,
    unreported: 0,
    pending: 0,
    ...counts,
  };
}

export const scenes: readonly Scene[] = [
  {
    externalBatchId: '2026-11-debit-0001',
    reached: ({ status }) => status === 'COMPLETED_WITH_ERRORS',
    seen: {
      tab: 'history',
      texts: [
        '2026-11-debit-0001: 30 cards of 25 consumers, program demo',
        'COMPLETED_WITH_ERRORS',
        'submitBatch',
        'poll 1',
      ],
    },
    file: 'web-ui-batch.png',
  },
  {
    externalBatchId: '2026-11-debit-0002',
    // Long enough before the second poll for a picture.
    policy: { polling: { initial: '6s', coefficient: 10, maximum: '1m' } },
    simulate: (simulator) => simulator.configure({ processingMs: FOR_LONG_MS }),
    reached: ({ polling, nextPollAt }) => polling?.polls === 1 && nextPollAt !== undefined,
    seen: {
      tab: 'details',
      status: 'PROCESSING',
      counts: sample({ pending: 26 }),
      texts: [
        /^Mastercard is processing\. Next poll at 20\d\d-.*; c2p poll 2026-11-debit-0002 asks at once\. No action needed\.$/,
        /^Mastercard batchId /,
        'polls: 1, last status: IN_PROGRESS',
      ],
    },
    file: 'web-ui-processing.png',
  },
  {
    externalBatchId: '2026-11-debit-0003',
    simulate(simulator) {
      simulator.configure({ duplicates: 'withoutBatchId', processingMs: PROCESSING_MS });
      simulator.fault({ operation: 'enroll', fault: { kind: 'dropAfter' } });
    },
    reached: ({ status }) => status === 'AWAITING_OPERATOR',
    seen: {
      tab: 'details',
      status: 'AWAITING_OPERATOR',
      counts: sample({ pending: 26 }),
      texts: [
        'ACTION NEEDED',
        /run c2p resolve 2026-11-debit-0003 --batch-id B\. Ask Mastercard for B, the batchId that it gave this batch\./,
        /To give the batch up, run c2p resolve 2026-11-debit-0003 --abandon\./,
        'Mastercard has accepted this externalBatchId before and does not say as which batchId',
      ],
    },
    file: 'web-ui-awaiting-operator.png',
  },
  {
    externalBatchId: '2026-11-debit-0004',
    policy: { onPartialFailure: 'rollback' },
    reached: ({ status }) => status === 'ROLLED_BACK',
    seen: {
      tab: 'details',
      status: 'ROLLED_BACK',
      counts: sample({ failed: 4, 'rolled back': 22 }),
      texts: [
        'Closed; cardholder data is erased. c2p report 2026-11-debit-0004 shows the outcome of every card.',
        '4 declined by Mastercard',
      ],
    },
    file: 'web-ui-rolled-back.png',
  },
];

/** A bulk job of twelve batches: four are closed, six are under way. */
export const portfolio = {
  bulkId: '2026-11-debit',
  batches: 12,
  closed: 4,
  inFlight: 6,
  seen: {
    tab: 'details',
    status: 'ENROLLING',
    counts: {
      cards: 3000,
      enrolled: 700,
      failed: 150,
      invalid: 150,
      'rolled back': 0,
      unreported: 0,
      pending: 2000,
      'rows rejected': 0,
    },
    texts: [
      'No action needed.',
      'c2p bulk pause 2026-11-debit',
      'batches: 10 started, 6 in flight, 4 COMPLETED_WITH_ERRORS',
      'source 2026-11-debit.jsonl: 100 % read',
      'at most 6 batches in flight; on cancellation: finish',
    ],
  },
  file: 'web-ui-bulk.png',
} as const satisfies Picture & Record<string, unknown>;
