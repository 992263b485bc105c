import { Context } from '@temporalio/activity';
import { firstPage, indexPage, nextPage, type IndexCursor, type IndexPage } from '../bulk/index-page.js';
import { RejectFile, RejectFileError } from '../bulk/reject-file.js';
import { openSource, type SourceLocation } from '../bulk/source.js';
import { failingClearly } from './failures.js';
import { whileHeartbeating } from './heartbeat.js';

export interface IndexSourceInput {
  source: SourceLocation;
  /** The same for every page of a source. */
  maxCardsPerBatch: number;
  /** How many batches a page has at most; each is about 80 bytes of the result. */
  maxBatches: number;
  /** Where rejects are written, on a disk that all workers see; of this job only. */
  rejectFile: string;
  /** Where the page before ended; absent for the first. */
  from?: IndexCursor | undefined;
}

/**
 * Finds the batches in a part of a source, page by page: each page's `cursor` is where the next one goes on,
 * until one has `ended`. It heartbeats the page as far as it is, and a next attempt goes on from there.
 *
 * @throws ApplicationFailure of type SourceUnusable, SourceChanged, RejectFileIncomplete.
 */
export function indexSource(input: IndexSourceInput): Promise<IndexPage> {
  return failingClearly(async () => {
    const { info, cancellationSignal } = Context.current();
    const rejects = await RejectFile.open(input.rejectFile);
    try {
      const begun = begunPage(input, info.heartbeatDetails as IndexPage | undefined, rejects.sizeAtOpening);
      const source = await openSource(input.source, begun?.cursor.identity);
      if (!begun) await rejects.clear();
      let page = begun ?? (await firstPage(source));
      return await whileHeartbeating(
        () =>
          indexPage(source, page, {
            maxCardsPerBatch: input.maxCardsPerBatch,
            maxBatches: input.maxBatches,
            rejects,
            onProgress: (progress) => {
              cancellationSignal.throwIfAborted();
              page = progress;
            },
          }),
        () => page,
      );
    } finally {
      await rejects.finish();
    }
  });
}

/** The page as the attempt before left it, or where the page before ended; nothing at the beginning. */
function begunPage(
  { from, rejectFile }: IndexSourceInput,
  heartbeat: IndexPage | undefined,
  rejectFileSize: number,
): IndexPage | undefined {
  // What an attempt wrote may not have outlived its machine; what a whole page wrote has.
  if (heartbeat && heartbeat.cursor.rejectBytes <= rejectFileSize) return heartbeat;
  if (!from) return undefined;
  if (from.rejectBytes <= rejectFileSize) return nextPage(from);
  const lacks = `has ${rejectFileSize} bytes of the ${from.rejectBytes} that were written to it`;
  throw new RejectFileError(`${rejectFile} ${lacks}; put it on a disk that all workers see`);
}
