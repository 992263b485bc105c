import { marked } from 'marked';
import { describe, expect, test } from 'vitest';
import { noBatches, NO_CARDS } from '../../enrollment/bulk.js';
import { describeBatch } from '../../workflows/batch/details.js';
import type { OpenProgress } from '../../workflows/batch/progress.js';
import { describeBulk } from '../../workflows/bulk/details.js';
import type { BulkProgress } from '../../workflows/bulk/messages.js';
import { UNPRINTABLE } from '../support/hostile-texts.js';

/** What would be more than its words where it is read as Markdown. */
const MARKDOWN: Record<string, string> = {
  'a heading': '# Approved',
  'a heading on a line of its own': 'IN_PROGRESS`\n\n# Approved\n\nrest',
  'an underlined heading': 'Approved\n===',
  'a link': '[pay here](https://evil.example)',
  'a link behind code': '`[pay here](https://evil.example)',
  'a link behind more code': '``` [pay here](https://evil.example)',
  'an address': 'see https://evil.example/x, www.evil.example or mallory@evil.example',
  'an address in brackets': '<https://evil.example>',
  'an escaped address': 'https\\://evil.example',
  'a reference': '[pay here]\n\n[pay here]: https://evil.example',
  'an image': '![x](https://evil.example/x.png)',
  HTML: '<img src=x onerror=alert(1)><script>alert(1)</script><a href="https://evil.example">x</a>',
  'escaped HTML': '&lt;b&gt; &#60;script&#62;',
  'bold text': '**ACTION NEEDED**: __call__ *me* _now_ ~~not~~',
  'a list': '- a\n- b\n1. c',
  'a numbered item': '1. c',
  'an item': '+ c',
  'a quotation': '> c',
  'a task': '[x] c',
  'a table': 'a | b\n--- | ---\n1 | 2',
  'a rule': '---',
  'a block of code': '```\nx\n```',
  'an escape': '\\`\\[x](https://evil.example)',
  'control characters': '\u001b[2J\u202e\u200b\r',
};

const BATCH: OpenProgress = {
  program: 'demo',
  externalBatchId: 'b-1',
  status: 'PROCESSING',
  batchIds: [],
  counts: NO_CARDS,
  submission: { attempts: 1 },
  polling: { polls: 1 },
  reasons: [],
};

const BULK: BulkProgress = {
  program: 'demo',
  bulkId: 'debit',
  status: 'ENROLLING',
  counts: NO_CARDS,
  rejects: 0,
  batches: { found: 0, started: 0, inFlight: 0, byStatus: noBatches() },
  source: { name: 'debit.csv', isReadToEnd: false },
  limits: { maxBatchesInFlight: 1, batchesPerMinute: null },
  onCancel: 'finish',
  startedAt: '2026-11-30T12:00:00Z',
  reasons: [],
};

/** Every place where the details of a batch or a job have a text that c2p did not write. */
const PLACES: Record<string, (text: string) => string> = {
  "Mastercard's status": (text) => describeBatch({ ...BATCH, polling: { polls: 1, lastStatus: text } }),
  "Mastercard's batchId": (text) => describeBatch({ ...BATCH, batchIds: [text] }),
  "Mastercard's answer": (text) => describeBatch({ ...BATCH, submission: { attempts: 1, lastAnswer: text } }),
  'what holds a batch up': (text) => describeBatch({ ...BATCH, error: text }),
  'why a batch failed': (text) => describeBatch({ ...BATCH, status: 'FAILED', error: text }),
  'a reason': (text) => describeBatch({ ...BATCH, reasons: [text] }),
  'a notice': (text) => describeBatch({ ...BATCH, notices: [text] }),
  'what an operator changed': (text) => describeBatch({ ...BATCH, changes: [text] }),
  'the name of a source': (text) => describeBulk({ ...BULK, source: { ...BULK.source, name: text } }),
  'a reason of a job': (text) => describeBulk({ ...BULK, reasons: [text] }),
  'why a job failed': (text) => describeBulk({ ...BULK, status: 'FAILED', error: text }),
};

/** The elements of the page that the Web UI makes, without their words. */
function elementsOf(markdown: string): string[] {
  const html = marked.parse(markdown, { async: false, gfm: true });
  return [...html.matchAll(/<[a-z!][^>]*>/gi)]
    .map(([element]) => element)
    .filter((element) => element !== '<code>');
}

/** The words of that page. */
function wordsOf(markdown: string): string {
  const html = marked.parse(markdown, { async: false, gfm: true }).replace(/<[^>]*>/g, '');
  const named: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };
  return html.replace(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => named[name]!);
}

describe.each(Object.keys(PLACES))('in the current details, %s', (place) => {
  const detailsOf = PLACES[place]!;

  test.each(Object.keys(MARKDOWN))('is words and nothing else, also with %s', (what) => {
    const details = detailsOf(MARKDOWN[what]!);
    expect(elementsOf(details)).toEqual(elementsOf(detailsOf('word')));
    expect(details).not.toMatch(UNPRINTABLE);
  });

  test('shows its words as they are', () => {
    const text = "COMPLETED_WITH_ERRORS (2 of 3): a < b, 50 % & more; key 'k2' [x] #1 *";
    expect(wordsOf(detailsOf(text))).toContain(text);
  });
});
