import type { Item } from './item.js';
import { readLayout, readRecords, type Layout } from './records.js';
import { rejectLine, type RejectFile } from './reject-file.js';
import { BEGINNING, type Position } from './row-cutter.js';
import type { Source } from './source.js';
import { addRecord, closeBatch, NO_RECORDS, type Batch, type OpenBatch } from './split.js';
import type { SourceIdentity } from './stored-bytes.js';

/** Where a page ended and the next one begins; of the same size wherever that is. */
export interface IndexCursor {
  /** What the source was when it was first read. */
  identity: SourceIdentity;
  layout: Layout;
  position: Position;
  /** What stands before `position` and is in no batch yet. */
  open: OpenBatch;
  /** How much of the reject file is about what stands before `position`. */
  rejectBytes: number;
}

/** What was found in one go through a part of a source. Numbers are those of the page. */
export interface IndexPage {
  batches: Batch[];
  /** Records and cards that go into batches; the last of them may go into the next page's first one. */
  records: number;
  cards: number;
  rejects: number;
  /** Whether the source has no more. */
  ended: boolean;
  cursor: IndexCursor;
}

/**
 * A page with nothing in it yet.
 * @throws SourceError
 */
export async function firstPage(source: Source): Promise<IndexPage> {
  const layout = await readLayout(source);
  const { identity } = source;
  return nextPage({ identity, layout, position: BEGINNING, open: NO_RECORDS, rejectBytes: 0 });
}

/** A page with nothing in it yet, which begins where another ended. */
export function nextPage(cursor: IndexCursor): IndexPage {
  return { batches: [], records: 0, cards: 0, rejects: 0, ended: false, cursor };
}

export interface IndexOptions {
  maxCardsPerBatch: number;
  /** How many batches a page has at most. */
  maxBatches: number;
  rejects: Pick<RejectFile, 'write'>;
  /** Takes the page as it is after each block: going on with it gives the same as going on here. */
  onProgress?: (page: IndexPage) => void;
}

/**
 * Goes on with a page to its end. What it gives depends only on the source and the two maxima, not on how
 * often it was interrupted.
 * @throws SourceError, SourceChangedError
 */
export async function indexPage(
  source: Source,
  page: IndexPage,
  { maxCardsPerBatch, maxBatches, rejects, onProgress }: IndexOptions,
): Promise<IndexPage> {
  const { layout, position: start, rejectBytes } = page.cursor;
  let written = rejectBytes;
  let draft = page;
  for await (const items of readRecords(source, { layout, start, maxCardsPerBatch })) {
    const lines: string[] = [];
    for (const item of items) {
      if (item.kind === 'reject') lines.push(rejectLine(item.reject));
      draft = withItem(draft, item, maxCardsPerBatch);
      if (item.after) page = draft;
      if (draft.batches.length >= maxBatches) break;
    }
    const bytes = Buffer.from(lines.join(''));
    // First, so that no page that is handed on speaks of rejects that are not written.
    await rejects.write(bytes, written);
    written += bytes.length;
    onProgress?.(page);
    if (page.ended || page.batches.length >= maxBatches) break;
  }
  return page;
}

function withItem(page: IndexPage, item: Item, maxCards: number): IndexPage {
  const { cursor, batches } = page;
  switch (item.kind) {
    case 'reject': {
      const rejectBytes = cursor.rejectBytes + rejectLine(item.reject).length;
      const position = item.after ?? cursor.position;
      return { ...page, rejects: page.rejects + 1, cursor: { ...cursor, position, rejectBytes } };
    }
    case 'record': {
      const { cards } = item.record;
      const { open, closed } = addRecord(cursor.open, cards, item.after, maxCards);
      return {
        ...page,
        batches: closed ? [...batches, closed] : batches,
        records: page.records + 1,
        cards: page.cards + cards,
        cursor: { ...cursor, position: item.after, open },
      };
    }
    case 'end': {
      const last = closeBatch(cursor.open, item.after);
      return {
        ...page,
        batches: last ? [...batches, last] : batches,
        ended: true,
        cursor: {
          ...cursor,
          position: item.after,
          open: { start: item.after, end: item.after, records: 0, cards: 0 },
        },
      };
    }
  }
}
