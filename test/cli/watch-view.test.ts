import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { watchView, type WatchedBatch } from '../../cli/watch-view.js';
import { BatchTerminatedError } from '../../client/errors.js';
import type { BatchProgress } from '../../workflows/batch/messages.js';
import { Screen } from './screen.js';

const KEYS = ['batch-1', 'the-second', 'b3'].map((externalBatchId) => ({ program: 'demo', externalBatchId }));
const [FIRST, SECOND, THIRD] = KEYS as [(typeof KEYS)[0], (typeof KEYS)[0], (typeof KEYS)[0]];

function seen(key: object, status: BatchProgress['status'], more: Partial<BatchProgress> = {}): WatchedBatch {
  const counts = { cards: 2, pending: 2, enrolled: 0, failed: 0, invalid: 0, rolledBack: 0, unreported: 0 };
  const progress = { ...key, status, counts, batchIds: [], reasons: [], ...more };
  return { progress: progress as unknown as BatchProgress };
}

describe('where there is no terminal', () => {
  test('each change of status, counts or error is one line that begins with the id of the batch', async () => {
    const screen = new Screen({ isTTY: false });
    const view = await watchView(screen.stream, KEYS);
    view.show([seen(FIRST, 'VALIDATING')]);
    view.show([seen(FIRST, 'VALIDATING'), seen(SECOND, 'PROCESSING')]);
    view.show([seen(FIRST, 'VALIDATING', { error: 'why' }), seen(SECOND, 'PROCESSING')]);
    view.show([seen(FIRST, 'COMPLETED'), seen(SECOND, 'PROCESSING')]);
    view.stop();
    expect(screen.written.split('\n')).toEqual([
      'batch-1     demo  VALIDATING             2 cards: 2 pending',
      'the-second  demo  PROCESSING             2 cards: 2 pending',
      'batch-1     demo  VALIDATING             2 cards: 2 pending · why',
      'batch-1     demo  COMPLETED              2 cards: 2 pending',
      '',
    ]);
  });

  test('a single batch has lines without its id', async () => {
    const screen = new Screen({ isTTY: false });
    const view = await watchView(screen.stream, [FIRST]);
    view.show([seen(FIRST, 'PROCESSING')]);
    expect(screen.written).toBe('PROCESSING · 2 cards: 2 pending\n');
  });
});

describe('on a terminal', () => {
  beforeEach(() => {
    // A build server says of itself that nobody looks at its terminal.
    vi.stubEnv('CI', undefined);
    vi.stubEnv('TERM', 'xterm');
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.useRealTimers();
  });

  /** The table after one more turn of its spinner, without the spinner. */
  async function table(screen: Screen, keys: typeof KEYS, batches: WatchedBatch[]): Promise<string[]> {
    const view = await watchView(screen.stream, keys);
    view.show(batches);
    vi.advanceTimersByTime(100);
    const [head, ...rows] = screen.frame;
    view.stop();
    return [head!.slice(2), ...rows];
  }

  test('is a table: batches that need an operator above, closed ones below, their numbers on top', async () => {
    const terminated = new BatchTerminatedError(FIRST, 'TERMINATED');
    const wide = Object.assign(new Screen({ isTTY: true }), { columns: 160 });
    expect(
      await table(
        wide,
        [...KEYS, { program: 'demo', externalBatchId: 'b4' }],
        [
          seen(FIRST, 'COMPLETED'),
          seen(SECOND, 'PROCESSING'),
          seen(THIRD, 'AWAITING_OPERATOR', { question: 'batchId', error: 'why' }),
        ],
      ),
    ).toEqual([
      '4 batches: 1 AWAITING_OPERATOR, 1 PROCESSING, 1 COMPLETED, 1 not asked yet',
      'b3          demo  AWAITING_OPERATOR      2 cards: 2 pending · ACTION NEEDED: run c2p resolve b3 --batch-id B (or --resend, --abandon) · why',
      'the-second  demo  PROCESSING             2 cards: 2 pending',
      'batch-1     demo  COMPLETED              2 cards: 2 pending',
    ]);
    expect(
      await table(new Screen({ isTTY: true }), KEYS, [
        seen(SECOND, 'PROCESSING'),
        { ...seen(FIRST, 'PROCESSING'), terminated },
      ]),
    ).toEqual([
      '3 batches: 1 TERMINATED, 1 PROCESSING, 1 not asked yet',
      'batch-1     demo  TERMINATED             2 cards: 2 pending',
      'the-second  demo  PROCESSING             2 cards: 2 pending',
    ]);
  });

  test('counts down to what comes next', async () => {
    const screen = new Screen({ isTTY: true });
    const view = await watchView(screen.stream, [FIRST]);
    const batch = seen(FIRST, 'PROCESSING', { nextPollAt: new Date(Date.now() + 9_000).toISOString() });
    for (const seconds of [9, 8]) {
      view.show([batch]);
      vi.advanceTimersByTime(1_000);
      expect(screen.frame[0]).toContain(`PROCESSING · 2 cards: 2 pending · next poll in ${seconds} s`);
    }
    view.stop();
  });

  test('never is wider or higher than the terminal', async () => {
    const screen = new Screen({ isTTY: true });
    Object.assign(screen, { columns: 40, rows: 10 });
    const keys = Array.from({ length: 30 }, (_, n) => ({ program: 'demo', externalBatchId: `batch-${n}` }));
    const lines = await table(
      screen,
      keys,
      keys.map((key) => seen(key, 'PROCESSING', { error: 'for a long reason, which nobody can read here' })),
    );
    expect(lines).toHaveLength(10);
    expect(lines[0]).toBe('30 batches: 30 PROCESSING');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40);
  });
});
