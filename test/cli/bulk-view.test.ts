import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { bulkLine, bulkLines } from '../../cli/bulk/progress-line.js';
import { bulkViewOn } from '../../cli/bulk/watch-bulk.js';
import type { BulkView } from '../../client/bulk-enrollment.js';
import { noBatches, NO_CARDS } from '../../enrollment/bulk.js';
import { Screen } from './screen.js';

const NOW = Date.parse('2026-11-24T12:00:00Z');

function progress(changes: Partial<BulkView> = {}): BulkView {
  return {
    program: 'demo',
    bulkId: 'debit',
    status: 'ENROLLING',
    counts: { ...NO_CARDS, cards: 1_000, enrolled: 240, failed: 10, pending: 750 },
    rejects: 2,
    batches: { found: 8, started: 5, inFlight: 3, byStatus: noBatches() },
    source: { name: 'debit.csv', isReadToEnd: false, readShare: 0.5 },
    cardsPerMinute: 500,
    estimatedEndAt: '2026-11-24T12:03:30Z',
    reasons: [],
    ...changes,
  };
}

describe('the line about a bulk job', () => {
  test('tells status, counts, rejects, batches, rate and what is left', () => {
    expect(bulkLine(progress(), NOW)).toBe(
      'ENROLLING · 1000 cards: 240 enrolled, 10 failed, 750 pending · 2 rows rejected · ' +
        '5 batches started, 3 in flight · 500 cards a minute · about 4 minutes left',
    );
  });

  test('shows what needs an operator, and nothing that is not known', () => {
    const { cardsPerMinute: _, estimatedEndAt: __, batches: ___, ...known } = progress();
    expect(bulkLine({ ...known, rejects: 0, error: 'no worker answers' }, NOW)).toBe(
      'ENROLLING · 1000 cards: 240 enrolled, 10 failed, 750 pending · no worker answers',
    );
  });

  test('of a closed job tells no batches in flight', () => {
    expect(bulkLine({ ...progress(), status: 'FAILED' }, NOW)).not.toContain('in flight');
  });
});

describe('the bar', () => {
  const barOf = (seen: BulkView) => bulkLines(seen, NOW).find((line) => /[█░]/.test(line));

  test('is about the cards in all, by how much of the source was read, with rate and end', () => {
    expect(bulkLines(progress(), NOW)).toEqual([
      `███${'░'.repeat(27)} 12 % of about 2000 cards · 500 cards a minute · about 4 minutes left`,
      'ENROLLING · 1000 cards: 240 enrolled, 10 failed, 750 pending · 2 rows rejected · 5 batches started, 3 in flight',
    ]);
  });

  test('is full when every card of a source that was read has an outcome', () => {
    const counts = { ...NO_CARDS, cards: 1_000, enrolled: 1_000 };
    const source = { name: 'debit.csv', isReadToEnd: true };
    expect(barOf(progress({ counts, source }))).toMatch(`${'█'.repeat(30)} 100 % of 1000 cards`);
  });

  test.each([
    ['a compressed source', progress({ source: { name: 'debit.csv.gz', isReadToEnd: false } })],
    ['one of which nothing was read', progress({ source: { name: 'd', isReadToEnd: false, readShare: 0 } })],
    ['a job that no worker answers for', progress({ source: undefined })],
    ['a source without cards', progress({ counts: NO_CARDS, source: { name: 'd', isReadToEnd: true } })],
  ])('is not drawn of %s', (_, seen) => {
    expect(barOf(seen)).toBeUndefined();
  });
});

describe('where there is no terminal', () => {
  test('counts that change are a line every ten seconds, a status or an error at once', async () => {
    const screen = new Screen({ isTTY: false });
    let now = NOW;
    const view = await bulkViewOn(screen.stream, () => now);
    const seen = (cards: number, changes: Partial<BulkView> = {}) => {
      const counts = { ...NO_CARDS, cards, pending: cards };
      view.show({
        program: 'demo',
        bulkId: 'debit',
        status: 'ENROLLING',
        counts,
        rejects: 0,
        reasons: [],
        ...changes,
      });
      now += 4_000;
    };
    [1, 2, 3, 4, 4, 4, 4].forEach((cards) => seen(cards));
    seen(5, { status: 'PAUSED' });
    seen(5, { status: 'PAUSED', error: 'why' });
    view.stop();
    expect(screen.written.trimEnd().split('\n')).toEqual([
      'ENROLLING · 1 card: 1 pending',
      'ENROLLING · 4 cards: 4 pending',
      'PAUSED · 5 cards: 5 pending',
      'PAUSED · 5 cards: 5 pending · why',
    ]);
  });
});

describe('on a terminal', () => {
  beforeEach(() => {
    vi.stubEnv('TERM', 'xterm');
    vi.stubEnv('CI', undefined);
  });
  afterEach(() => vi.unstubAllEnvs());

  test('the bar stands above the line, and neither is wider than the screen', async () => {
    const screen = new Screen({ isTTY: true });
    screen.columns = 60;
    const view = await bulkViewOn(screen.stream);
    view.show(progress());
    await vi.waitFor(() => expect(screen.frame.join()).toContain('█'));
    view.stop();
    const [bar, line] = bulkLines(progress()) as [string, string];
    expect(screen.written).toContain(bar.slice(0, 58));
    expect(screen.written).toContain(line.slice(0, 58));
    expect(screen.written).not.toContain(line.slice(0, 59));
  });
});
